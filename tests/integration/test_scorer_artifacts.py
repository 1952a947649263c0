"""Several artifacts at once, a shadow, and artifacts that are replaced while the scorer serves."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import REGISTRY
from typer.testing import CliRunner

from routemoa.errors import InvalidFieldError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1.scorer_service_pb2 import (
    BatchRankModelsRequest,
    GetScorerInfoRequest,
    RankModelsRequest,
    RankModelsResponse,
)
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from scorer import Runtime, default_artifact_path, load_artifact
from scorer.__main__ import app
from services.scorer.app import scorer_app
from services.scorer.config import ScorerServiceConfig
from tests.pace import PACE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Connect, Serve

EDGE = default_artifact_path()
BASE = EDGE.parent / "base"
TIMEOUT_S = 60 * PACE
QUERIES = tuple(f"What is {number} times {number + 1}?" for number in range(40))


@pytest.fixture(scope="module")
def runtimes() -> dict[str, Runtime]:
    """Both shipped artifacts by version."""
    opened = [Runtime.open(load_artifact(path), intra_op_threads=1) for path in (BASE, EDGE)]
    return {runtime.version: runtime for runtime in opened}


def config(artifact: Path, **settings: object) -> ScorerServiceConfig:
    values: dict[str, Any] = {
        "listen_address": "127.0.0.1:0",
        "artifact": artifact,
        "artifact_reload_interval_s": 0.05,
        "precision": "int8",
        "intra_op_threads": 1,
        "max_queue_wait_s": TIMEOUT_S,
    }
    return ScorerServiceConfig(**values | settings)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def until(condition: Callable[[], bool]) -> None:
    """Waits until a function returns true."""
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110  # metrics and answers have no event to wait for
            await asyncio.sleep(0.01)


def assert_scored_by(response: RankModelsResponse, query: str, runtime: Runtime) -> None:
    assert response.scorer_version == runtime.version
    (row,) = runtime.score([runtime.tokenize(query)])
    expected = dict(zip(runtime.model_ids, row.tolist(), strict=True))
    for item in response.model_scores:
        assert item.score == pytest.approx(expected[item.model_id], abs=1e-4)


async def test_a_request_is_ranked_by_the_artifact_that_it_names(
    serve: Serve, connect: Connect, runtimes: dict[str, Runtime]
) -> None:
    settings = config(BASE, artifacts={"edge": EDGE})
    stub = ScorerServiceStub(connect(await serve(settings, scorer_app(settings))))
    base, edge = runtimes.values()
    names = ("", "edge", "")
    batch = BatchRankModelsRequest(
        requests=[RankModelsRequest(query=QUERIES[0], artifact=name) for name in names]
    )
    responses = (await stub.BatchRankModels(batch, timeout=TIMEOUT_S)).responses
    for response, runtime in zip(responses, (base, edge, base), strict=True):
        assert_scored_by(response, QUERIES[0], runtime)
    info = await stub.GetScorerInfo(GetScorerInfoRequest(artifact="edge"), timeout=TIMEOUT_S)
    assert info.scorer_version == edge.version
    assert list(info.artifact_names) == ["edge"]


async def test_an_unknown_artifact_is_answered_with_the_names_that_are_known(
    serve: Serve, connect: Connect
) -> None:
    settings = config(EDGE, artifacts={"other": EDGE})
    stub = ScorerServiceStub(connect(await serve(settings, scorer_app(settings))))
    with pytest.raises(Exception, match="artifact") as caught:
        await stub.RankModels(RankModelsRequest(query="Why?", artifact="none"), timeout=TIMEOUT_S)
    error = from_rpc_error(caught.value)  # type: ignore[arg-type]
    assert isinstance(error, InvalidFieldError)
    (violation,) = error.violations
    assert violation.field == "artifact"
    assert "other" in violation.description


async def test_an_artifact_is_replaced_and_rolled_back_by_command_under_load_with_no_failed_call(
    serve: Serve, connect: Connect, tmp_path: Path, runtimes: dict[str, Runtime]
) -> None:
    base, edge = runtimes.values()
    link = tmp_path / "current"
    link.symlink_to(EDGE)
    settings = config(link, cache_queries=5, allow_fewer_models=True)
    stub = ScorerServiceStub(connect(await serve(settings, scorer_app(settings))))
    answered: list[tuple[str, RankModelsResponse]] = []
    stop = asyncio.Event()

    async def ask(caller: int) -> None:
        number = caller
        while not stop.is_set():
            query = QUERIES[number % len(QUERIES)]
            request = RankModelsRequest(query=query)
            answered.append((query, await stub.RankModels(request, timeout=TIMEOUT_S)))
            number += 7

    def serves(runtime: Runtime) -> bool:
        return answered[-1][1].scorer_version == runtime.version

    async with asyncio.TaskGroup() as tasks:
        for caller in range(8):
            tasks.create_task(ask(caller))
        await until(lambda: len(answered) > 20)
        assert command("activate", str(BASE), "--link", str(link)) == 0
        await until(lambda: serves(base))
        assert command("roll-back", "--link", str(link)) == 0
        await until(lambda: serves(edge))
        stop.set()
    assert {response.scorer_version for _, response in answered} == set(runtimes)
    for query, response in answered:
        assert_scored_by(response, query, runtimes[response.scorer_version])


async def test_a_bad_artifact_is_refused_and_the_one_in_use_serves_on(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    place = tmp_path / "artifact"
    shutil.copytree(EDGE, place)
    settings = config(place)
    stub = ScorerServiceStub(connect(await serve(settings, scorer_app(settings))))
    refused = {"what": "artifact"}
    graph, manifest = place / "model.onnx", place / "manifest.json"
    good = manifest.read_bytes()
    graph.write_bytes(graph.read_bytes()[:-1])
    manifest.write_bytes(good + b"\n")
    await until(lambda: sample("routemoa_reload_refused_count", **refused) == 1)
    response = await stub.RankModels(RankModelsRequest(query="Why?"), timeout=TIMEOUT_S)
    assert len(response.model_scores) > 1
    manifest.write_bytes(good)
    await until(lambda: sample("routemoa_reload_refused_count", **refused) == 0)


async def test_the_shadow_scores_what_the_default_artifact_scores_and_nobody_waits_for_it(
    serve: Serve, connect: Connect, runtimes: dict[str, Runtime]
) -> None:
    base, edge = runtimes.values()
    settings = config(BASE, artifacts={"edge": EDGE}, shadow_artifact="edge")
    stub = ScorerServiceStub(connect(await serve(settings, scorer_app(settings))))
    name = "routemoa_scorer_shadow_queries_total"
    outcomes = ("same", "other", "dropped", "failed")
    before = {outcome: sample(name, outcome=outcome) for outcome in outcomes}

    def counted() -> dict[str, float]:
        return {o: sample(name, outcome=o) - before[o] for o in outcomes}

    for query in QUERIES[:10]:
        response = await stub.RankModels(RankModelsRequest(query=query), timeout=TIMEOUT_S)
        assert response.scorer_version == base.version
    await until(lambda: sum(counted().values()) == 10)
    firsts = [
        [each.model_ids[each.score([each.tokenize(query)]).argmax()] for query in QUERIES[:10]]
        for each in (base, edge)
    ]
    same = sum(one == other for one, other in zip(*firsts, strict=True))
    assert counted() == {"same": same, "other": 10 - same, "dropped": 0, "failed": 0}


def command(*arguments: str) -> int:
    return CliRunner().invoke(app, list(arguments)).exit_code


def test_only_a_link_is_moved_and_only_to_an_artifact_that_can_be_used(tmp_path: Path) -> None:
    link, folder = tmp_path / "current", tmp_path / "folder"
    folder.mkdir()
    assert command("activate", str(EDGE), "--link", str(folder)) == 1
    assert command("activate", str(folder), "--link", str(link)) == 1
    assert not link.is_symlink()
    assert command("roll-back", "--link", str(link)) == 1
    assert command("activate", str(EDGE), "--link", str(link)) == 0
    assert command("roll-back", "--link", str(link)) == 1, "there is nothing before"
    assert link.resolve() == EDGE.resolve()
