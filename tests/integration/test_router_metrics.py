"""What the router counts, as its alerts read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from routemoa.v1 import router_service_pb2 as pb
from services.router.tuning import Tuning

if TYPE_CHECKING:
    from tests.integration.conftest import StartRouter

SCORES = {"a": 0.9, "b": 0.1}
SCRIPTS = dict.fromkeys(SCORES, "eight legs")
CLOSED = "127.0.0.1:1"
"""Nothing listens here."""


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


async def test_an_answer_is_counted_by_its_end_and_its_share_of_the_budget(
    start_router: StartRouter,
) -> None:
    router = await start_router(SCRIPTS, SCORES)
    ended = {"stop_reason": "layer_limit", "strategy": "layers"}
    before = (
        metric("routemoa_router_answers_total", **ended),
        metric("routemoa_router_budget_share_count"),
        metric("routemoa_router_budget_share_sum"),
    )
    result = await router.ask(max_layer_count=1, max_layer_model_count=1, max_cost_usd=0.05)
    assert result.stop_reason == pb.STOP_REASON_LAYER_LIMIT
    assert metric("routemoa_router_answers_total", **ended) == before[0] + 1
    assert metric("routemoa_router_budget_share_count") == before[1] + 1
    share = metric("routemoa_router_budget_share_sum") - before[2]
    assert share == pytest.approx(result.cost_usd / 0.05)
    await router.ask(max_layer_count=1)
    assert metric("routemoa_router_budget_share_count") == before[1] + 1


async def test_the_breakers_are_shown_from_the_start_and_when_they_open(
    start_router: StartRouter,
) -> None:
    router = await start_router(
        SCRIPTS,
        SCORES,
        scorer_address=CLOSED,
        dependency_timeout_s=0.3,
        tuning=Tuning(breaker_failure_limit=1),
    )
    for dependency in ("scorer", "judge"):
        labels = {"dependency": dependency}
        assert REGISTRY.get_sample_value("routemoa_breaker_open_count", labels) == 0
        assert REGISTRY.get_sample_value("routemoa_router_fallbacks_total", labels) is not None
    await router.ask(max_layer_count=1)
    assert metric("routemoa_breaker_open_count", dependency="scorer") == 1
    assert metric("routemoa_breaker_open_count", dependency="judge") == 0


async def test_an_artifact_that_lacks_a_model_is_counted_each_time_and_logged_once(
    start_router: StartRouter,
) -> None:
    router = await start_router(SCRIPTS, {"a": 0.9})
    before = metric("routemoa_router_artifact_mismatches_total")
    fallbacks_before = metric("routemoa_router_fallbacks_total", dependency="scorer")
    with capture_logs() as lines:
        for _ in range(2):
            await router.ask(max_layer_count=1)
    assert metric("routemoa_router_artifact_mismatches_total") == before + 2
    assert metric("routemoa_router_fallbacks_total", dependency="scorer") == fallbacks_before + 2
    logged = [line for line in lines if line["event"] == "models_unknown_to_scorer"]
    assert [line["missing_model_ids"] for line in logged] == ["b"]
    assert not [line for line in lines if line["event"] == "fallback"]
