"""A scorer during a rollout: both artifacts score a query, one answers, and its file decides."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY

from routemoa.errors import ModelNotFoundError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1.scorer_service_pb2 import (
    BatchRankModelsRequest,
    RankModelsRequest,
    RankModelsResponse,
)
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from scorer import default_artifact_path, load_artifact
from scorer.export import activation
from scorer.rollout import stages
from scorer.rollout.assignment import takes_candidate
from scorer.rollout.rollout import Rollout, RolloutSettings, Stage
from scorer.rollout.rollout_files import RolloutFiles
from services.scorer.app import scorer_app
from tests.integration.test_scorer_artifacts import TIMEOUT_S, config, sample, until
from tests.unit.scorer.rollout.samples import activated, renamed_artifact

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Connect, Serve

ACTIVE = load_artifact(default_artifact_path()).manifest
FIRST, SECOND, THIRD = ACTIVE.model_ids[:3]
KEYS = [f"conversation {number}" for number in range(40)]


@pytest.fixture
def files(tmp_path: Path) -> RolloutFiles:
    return RolloutFiles(activated(tmp_path))


def start(files: RolloutFiles, names: dict[str, str]) -> Rollout:
    """Starts the rollout of an artifact that has other names for some models."""
    return stages.start(
        files,
        renamed_artifact(files.link.parent / "new", names),
        RolloutSettings(),
        allow_fewer_models=True,
        even_if_worse=False,
        warn=lambda _: None,
    )


def stage_count(rollout: Rollout, stage: Stage) -> float:
    labels = {"candidate": rollout.candidate_version, "stage": stage}
    return REGISTRY.get_sample_value("routemoa_scorer_rollout_info", labels) or 0.0


async def serving(files: RolloutFiles, serve: Serve, connect: Connect) -> ScorerServiceStub:
    settings = config(files.link)
    return ScorerServiceStub(connect(await serve(settings, scorer_app(settings))))


async def rank(stub: ScorerServiceStub, key: str, *model_ids: str) -> RankModelsResponse:
    request = RankModelsRequest(query="Why is the sky blue?", rollout_key=key, model_ids=model_ids)
    response: RankModelsResponse = await stub.RankModels(request, timeout=TIMEOUT_S)
    return response


async def rank_by_both(stub: ScorerServiceStub, key: str, *model_ids: str) -> RankModelsResponse:
    """Ranks until both artifacts do: on a busy machine the candidate may be late, and is left out."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            response = await rank(stub, key, *model_ids)
            if response.rollout.other.scorer_version:
                return response


async def test_a_rollout_goes_from_shadow_over_a_share_to_everything_with_no_failed_call(
    files: RolloutFiles, serve: Serve, connect: Connect
) -> None:
    stub = await serving(files, serve, connect)
    assert not (await rank(stub, "k")).HasField("rollout")
    rollout = start(files, {FIRST: SECOND, SECOND: FIRST})
    await until(lambda: stage_count(rollout, Stage.SHADOW) == 1)
    shadow = await rank_by_both(stub, "k")
    assert shadow.scorer_version == ACTIVE.version
    assert shadow.rollout.other.scorer_version == rollout.candidate_version
    assert shadow.rollout.rollout_id == rollout.id
    assert not shadow.rollout.from_candidate
    assert shadow.rollout.candidate_probability == 0
    rollout = stages.advance(files, rollout, Stage.SHARE, "enough", {})
    await until(lambda: stage_count(rollout, Stage.SHARE) == 1)
    for key in KEYS:
        response = await rank_by_both(stub, key)
        drawn = takes_candidate(rollout.id, key, 0.5)
        versions = [ACTIVE.version, rollout.candidate_version]
        other, answered = versions if drawn else reversed(versions)
        assert response.rollout.from_candidate is drawn
        assert response.scorer_version == answered
        assert response.rollout.other.scorer_version == other
        assert response.rollout.candidate_probability == 0.5
    stages.advance(files, rollout, Stage.PROMOTED, "better", {})
    await until(lambda: stage_count(rollout, Stage.PROMOTED) == 1)
    async with asyncio.timeout(TIMEOUT_S):
        while (await rank(stub, "k")).scorer_version != rollout.candidate_version:  # noqa: ASYNC110  # an answer tells, no event
            await asyncio.sleep(0.05)
    assert not (await rank(stub, "k")).HasField("rollout")


async def test_both_artifacts_rank_what_they_know(
    files: RolloutFiles, serve: Serve, connect: Connect
) -> None:
    rollout = start(files, {FIRST: "new"})
    stub = await serving(files, serve, connect)
    response = await rank_by_both(stub, "k", FIRST, SECOND, "new")
    assert {score.model_id for score in response.model_scores} == {FIRST, SECOND}
    other = {score.model_id for score in response.rollout.other.model_scores}
    assert other == {"new", SECOND}
    with pytest.raises(Exception, match="unheard") as caught:
        await rank(stub, "k", SECOND, "unheard-of")
    assert isinstance(from_rpc_error(caught.value), ModelNotFoundError)  # type: ignore[arg-type]
    assert stage_count(rollout, Stage.SHADOW) == 1


async def test_bulk_calls_and_calls_that_name_an_artifact_take_no_part(
    files: RolloutFiles, serve: Serve, connect: Connect
) -> None:
    start(files, {FIRST: SECOND, SECOND: FIRST})
    settings = config(files.link, artifacts={"edge": default_artifact_path()})
    stub = ScorerServiceStub(connect(await serve(settings, scorer_app(settings))))
    request = RankModelsRequest(query="Why?", artifact="edge")
    assert not (await stub.RankModels(request, timeout=TIMEOUT_S)).HasField("rollout")
    batch = BatchRankModelsRequest(requests=[RankModelsRequest(query="Why?")])
    (response,) = (await stub.BatchRankModels(batch, timeout=TIMEOUT_S)).responses
    assert not response.HasField("rollout")
    assert response.scorer_version == ACTIVE.version


async def test_a_candidate_that_cannot_be_opened_changes_nothing_but_a_metric(
    files: RolloutFiles, serve: Serve, connect: Connect
) -> None:
    rollout = start(files, {FIRST: SECOND, SECOND: FIRST})
    graph = files.candidate_of(rollout) / "model.onnx"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-1])
    stub = await serving(files, serve, connect)
    refused = {"what": "rollout"}
    await until(lambda: sample("routemoa_reload_refused_count", **refused) == 1)
    assert not (await rank(stub, "k")).HasField("rollout")
    graph.write_bytes(whole)
    await until(lambda: sample("routemoa_reload_refused_count", **refused) == 0)
    assert (await rank(stub, "k")).HasField("rollout")


async def test_the_rollout_pauses_while_another_artifact_is_active(
    files: RolloutFiles, serve: Serve, connect: Connect
) -> None:
    start(files, {FIRST: SECOND, SECOND: FIRST})
    stub = await serving(files, serve, connect)
    assert (await rank(stub, "k")).HasField("rollout")
    activation.activate(
        renamed_artifact(files.link.parent / "third", {SECOND: THIRD, THIRD: SECOND}),
        files.link,
        even_if_worse=True,
        warn=lambda _: None,
    )
    async with asyncio.timeout(TIMEOUT_S):
        while (await rank(stub, "k")).HasField("rollout"):  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.05)
