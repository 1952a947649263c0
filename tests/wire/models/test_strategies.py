"""Every strategy, a cancelled stream and a killed replica, on real models."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

import aiohttp
import pytest

from routemoa.client import RouteMoAClient
from routemoa.v1.router_service_pb2 import AttemptKind, CallStatus, RoutingPolicy
from services.local.real_pool import REAL_MODELS
from services.router.strategies.registry import STRATEGIES
from tests.wire.models.conftest import running_system

if TYPE_CHECKING:
    from pathlib import Path

    from services.local.real_pool import Served
    from tests.wire.models.conftest import System
    from tests.wire.models.report import Report

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(1200)]

QUESTION = "What is the capital of France?"
STORY = "Tell a long story about a fox and a goose."
TIMEOUT_S = 300.0
_LEAK = re.compile(r"self_score|@@\w+ [0-9a-f]{8}", re.IGNORECASE)


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
async def test_every_strategy_answers(system: System, report: Report, strategy: str) -> None:
    policy = RoutingPolicy(strategy=strategy, max_layer_count=2, max_layer_model_count=2)
    started_s, first_s, shown = time.monotonic(), None, ""
    async with (
        RouteMoAClient(system.address) as client,
        aclosing(client.stream(QUESTION, policy, full_result=True, timeout_s=TIMEOUT_S)) as events,
    ):
        async for event in events:
            if event.HasField("delta") and first_s is None:
                first_s = time.monotonic() - started_s
            shown = "" if event.HasField("reset") else shown + event.delta.text
            result = event.result
    assert result.answer.text.strip()
    assert shown == result.answer.text
    texts = [answer.text for layer in result.layers for answer in layer.answers]
    leaks = sum(_LEAK.search(text) is not None for text in [result.answer.text, *texts])
    report.strategies[strategy] = (
        f"{result.answer.model_id} | {len(result.usage)} | {first_s or 0:.1f}"
        f" | {time.monotonic() - started_s:.1f} | {leaks}"
    )
    assert leaks == 0


async def test_a_stream_that_is_cancelled_stops_the_models_work(system: System) -> None:
    async with RouteMoAClient(system.address) as client:
        async with aclosing(
            client.stream(STORY, single(system), full_result=True, timeout_s=TIMEOUT_S)
        ) as events:
            async for event in events:
                if event.HasField("delta"):
                    break
            assert await working(system.instruct)
        async with asyncio.timeout(60):
            while await working(system.instruct):  # noqa: ASYNC110  # it is another process
                await asyncio.sleep(0.1)


async def test_a_stream_goes_on_at_another_replica_when_its_own_is_killed(
    report: Report, tmp_path: Path
) -> None:
    killed, shown, resumed = None, "", 0
    async with (
        running_system([REAL_MODELS[0]] * 2, tmp_path) as system,
        RouteMoAClient(system.address) as client,
        aclosing(
            client.stream(STORY, single(system), full_result=True, timeout_s=TIMEOUT_S)
        ) as events,
    ):
        async for event in events:
            shown += event.delta.text
            resumed += event.HasField("resumed")
            if event.HasField("delta") and killed is None:
                (killed,) = await working(system.instruct)
                killed.child.process.kill()
            result = event.result
    assert killed is not None
    assert resumed == 1
    assert result.answer.text == shown
    kinds = [(entry.attempt_kind, entry.status) for entry in result.usage]
    assert kinds == [
        (AttemptKind.ATTEMPT_KIND_FIRST, CallStatus.CALL_STATUS_INTERRUPTED),
        (AttemptKind.ATTEMPT_KIND_RESUME, CallStatus.CALL_STATUS_OK),
    ]
    report.facts.append(
        f"A replica was killed in the middle of a stream: the other went on, {len(shown)} characters"
        " in all, none lost or repeated by the router."
    )


def single(system: System) -> RoutingPolicy:
    """Returns the policy of one call to the model with two replicas."""
    return RoutingPolicy(strategy="single", model_ids=[system.instruct[0].model.id])


async def working(servers: tuple[Served, ...]) -> list[Served]:
    """Returns the servers that work on a request."""
    busy = []
    async with aiohttp.ClientSession() as session:
        for server in servers:
            if server.child.ended:
                continue
            url = f"{server.url.removesuffix('/v1')}/metrics"
            async with session.get(url) as response:
                text = await response.text()
            found = re.search(r"^llamacpp:requests_processing (\S+)$", text, re.MULTILINE)
            assert found is not None
            if float(found[1]) > 0:
                busy.append(server)
    return busy
