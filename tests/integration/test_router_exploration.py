"""A router that explores: what runs, what the record says, and which limits hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import grpc
import pytest

from routemoa.v1 import router_service_pb2 as pb
from scorer.learning.traffic.decided import read_decided
from services.router.decision_records.config import RecordSettings
from tests.integration.decision_files import wait_for
from tests.integration.test_decision_records import scripts_of

if TYPE_CHECKING:
    from pathlib import Path

    from services.router.decision_records.record import DecisionRecord
    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.9, "b": 0.6, "c": 0.5}


async def start(start_router: StartRouter, folder: Path, **settings: object) -> RouterBench:
    records = RecordSettings(sink="files", dir=folder)
    return await start_router(scripts_of(*SCORES), SCORES, records=records, **settings)


async def the_record(folder: Path) -> DecisionRecord:
    (record,) = await wait_for(folder, 1)
    return record


@pytest.mark.parametrize("strategy", ["single", "routemoa"])
async def test_a_tried_model_runs_first_and_the_record_has_the_propensities(
    start_router: StartRouter, tmp_path: Path, strategy: str
) -> None:
    router = await start(start_router, tmp_path / "records")
    await router.ask(strategy=strategy, exploration_share=1.0, max_layer_model_count=1)
    record = await the_record(tmp_path / "records")
    (tried,) = record.layers[0].selected_model_ids
    assert tried in {"b", "c"}
    reasons = {ranked.model_id: ranked.reason for ranked in record.layers[0].ranking}
    assert reasons[tried] == "EXPLORATION"
    assert record.exploration is not None
    assert record.exploration.explored
    chances = record.exploration.propensities
    assert chances["a"] == pytest.approx(0.0)
    assert chances["b"] + chances["c"] == pytest.approx(1.0)
    assert record.policy["exploration_share"] == 1.0
    decided = read_decided(json.loads(record.model_dump_json()))
    assert decided.propensities == chances
    assert decided.final_model_id == record.final_model_id


async def test_nothing_is_tried_by_default(start_router: StartRouter, tmp_path: Path) -> None:
    router = await start(start_router, tmp_path / "records")
    await router.ask(strategy="single")
    record = await the_record(tmp_path / "records")
    assert record.exploration is None
    assert record.layers[0].selected_model_ids == ("a",)


async def test_without_a_budget_for_it_nothing_is_tried(
    start_router: StartRouter, tmp_path: Path
) -> None:
    router = await start(start_router, tmp_path / "records", exploration_cost_usd_per_day=0.0)
    await router.ask(strategy="single", exploration_share=1.0)
    record = await the_record(tmp_path / "records")
    assert record.exploration is None
    assert record.final_model_id == "a"


async def test_a_model_beyond_the_limits_of_the_request_is_not_tried(
    start_router: StartRouter, tmp_path: Path
) -> None:
    router = await start(start_router, tmp_path / "records")
    await router.ask(strategy="single", exploration_share=1.0, model_ids=["a", "c"])
    record = await the_record(tmp_path / "records")
    assert record.exploration is not None
    assert record.layers[0].selected_model_ids == ("c",)
    assert set(record.exploration.propensities) == {"a", "c"}


async def test_asking_for_a_route_alone_tries_nothing(
    start_router: StartRouter, tmp_path: Path
) -> None:
    router = await start(start_router, tmp_path / "records")
    request = pb.RouteQueryRequest(policy=pb.RoutingPolicy(exploration_share=1.0))
    request.messages.add(role="ROLE_USER", content="How many legs has a spider?")
    for _ in range(5):
        response = await router.stub.RouteQuery(request)
        assert response.selected_model_ids[0] == "a"


async def test_a_share_above_one_is_refused(start_router: StartRouter, tmp_path: Path) -> None:
    router = await start(start_router, tmp_path / "records")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await router.ask(exploration_share=1.5)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "policy.exploration_share" in str(caught.value.details())
