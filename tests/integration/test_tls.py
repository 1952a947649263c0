"""TLS between clients, services and their dependencies, with files that are replaced meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc
import grpc.aio
import pytest
from prometheus_client import REGISTRY

from routemoa.v1.judge_service_pb2 import AssessAnswersRequest
from routemoa.v1.judge_service_pb2_grpc import JudgeServiceStub
from routemoa.v1.model_pb2 import Answer, ModelScore
from services.judge.app import judge_app
from services.judge.config import JudgeServiceConfig
from services.rpc.channel import open_channel
from services.rpc.server import StartUpError
from services.scorer.config import ScorerServiceConfig
from tests.conftest import LOOPBACK
from tests.integration.certificates import issue
from tests.integration.conftest import ScriptedScorer, scripted_scorer_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from services.rpc.tls import TlsFiles
    from tests.conftest import Connect, Serve
    from tests.integration.certificates import Certificates
    from tests.integration.conftest import StartRouter

REQUEST = AssessAnswersRequest(
    answers=[Answer(model_id="a")], prior_scores=[ModelScore(model_id="a", score=0.5)]
)
TIMEOUT_S = 60.0
SOON_S = 2.0


def settings(files: Certificates, *, mutual: bool = False) -> JudgeServiceConfig:
    return JudgeServiceConfig(
        listen_address=LOOPBACK,
        tls_certificate_file=files.certificate,
        tls_key_file=files.key,
        tls_client_ca_file=files.ca if mutual else None,
    )


@asynccontextmanager
async def channel(address: str, files: TlsFiles) -> AsyncIterator[grpc.aio.Channel]:
    async with open_channel(address, files.load()) as opened:
        yield opened


async def is_served(opened: grpc.aio.Channel, timeout_s: float = TIMEOUT_S) -> bool:
    try:
        response = await JudgeServiceStub(opened).AssessAnswers(REQUEST, timeout=timeout_s)
    except grpc.aio.AioRpcError as error:
        if error.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
            raise
        return False
    assert response.assessments[0].model_id == "a"
    return True


async def serves(address: str, files: TlsFiles, timeout_s: float = TIMEOUT_S) -> bool:
    async with channel(address, files) as opened:
        return await is_served(opened, timeout_s)


async def test_a_client_that_trusts_the_ca_is_served(serve: Serve, tmp_path: Path) -> None:
    files, other = issue(tmp_path / "a"), issue(tmp_path / "b")
    config = settings(files)
    address = await serve(config, judge_app(config))
    assert await serves(address, files.as_trusting())
    assert not await serves(address, other.as_trusting(), SOON_S)


async def test_tls_and_plain_text_do_not_mix_and_neither_side_hangs(
    serve: Serve, connect: Connect, judge_address: str, tmp_path: Path
) -> None:
    files = issue(tmp_path)
    config = settings(files)
    address = await serve(config, judge_app(config))
    assert not await is_served(connect(address), SOON_S)
    assert not await serves(judge_address, files.as_trusting(), SOON_S)
    assert await serves(address, files.as_trusting())


async def test_a_server_with_a_client_ca_serves_only_its_clients(
    serve: Serve, tmp_path: Path
) -> None:
    files, other = issue(tmp_path / "a"), issue(tmp_path / "b")
    stranger = other.as_client()
    stranger = type(stranger)(ca=files.ca, certificate=stranger.certificate, key=stranger.key)
    config = settings(files, mutual=True)
    address = await serve(config, judge_app(config))
    assert await serves(address, files.as_client())
    assert not await serves(address, files.as_trusting(), SOON_S)
    assert not await serves(address, stranger, SOON_S)


@pytest.mark.parametrize("mutual", [False, True])
async def test_replaced_files_hold_for_new_connections_while_old_ones_live_on(
    serve: Serve, tmp_path: Path, mutual: bool
) -> None:
    config = settings(issue(tmp_path), mutual=mutual)
    before = config.tls
    assert before is not None
    old = issue(tmp_path).as_client()
    address = await serve(config, judge_app(config))
    async with channel(address, old) as connected:
        assert await is_served(connected)
        new = issue(tmp_path).as_client()
        assert await serves(address, new)
        assert await is_served(connected)


async def test_bad_files_are_refused_while_the_last_good_ones_serve_on(
    serve: Serve, tmp_path: Path
) -> None:
    def refused() -> float | None:
        return REGISTRY.get_sample_value("routemoa_reload_refused_count", {"what": "server_tls"})

    files = issue(tmp_path)
    config = settings(files)
    address = await serve(config, judge_app(config))
    key = files.key.read_bytes()
    issue(tmp_path / "other").key.rename(files.key)  # a key that is not the certificate's
    assert await serves(address, files.as_trusting())
    assert refused() == 1
    files.key.write_bytes(key)
    assert await serves(address, files.as_trusting())
    assert refused() == 0


async def test_tls_files_that_cannot_be_used_are_a_start_up_error_with_every_problem(
    serve: Serve, tmp_path: Path
) -> None:
    files = issue(tmp_path)
    files.key.write_text("no key")
    files.ca.write_text("no certificate")
    config = settings(files, mutual=True)
    with pytest.raises(StartUpError, match="TLS files") as caught:
        await serve(config, judge_app(config))
    first, second = caught.value.problems
    assert str(files.key) in first
    assert str(files.ca) in second
    assert "no key" not in first


def dependency_reload_count() -> float:
    labels = {"what": "dependency_tls", "outcome": "loaded"}
    return REGISTRY.get_sample_value("routemoa_reloads_total", labels) or 0


async def test_the_router_calls_over_mutual_tls_and_follows_replaced_files(
    serve: Serve, start_router: StartRouter, tmp_path: Path
) -> None:
    files = issue(tmp_path / "tls")
    judge = settings(files, mutual=True)
    servicer = ScriptedScorer({"a": 0.9, "b": 0.1})
    scorer = ScorerServiceConfig(
        listen_address=LOOPBACK,
        tls_certificate_file=files.certificate,
        tls_key_file=files.key,
        tls_client_ca_file=files.ca,
        max_connection_age_s=0.3,
    )
    router = await start_router(
        {"a": "first answer", "b": "second answer"},
        {},
        scorer_address=await serve(scorer, scripted_scorer_app(servicer)),
        judge=await serve(judge, judge_app(judge)),
        dependency_tls_ca_file=files.ca,
        dependency_tls_certificate_file=files.certificate,
        dependency_tls_key_file=files.key,
        pool_reload_interval_s=0.1,
    )
    assert not (await router.ask()).fallbacks
    before = dependency_reload_count()
    issue(tmp_path / "tls")
    async with asyncio.timeout(TIMEOUT_S):
        while dependency_reload_count() == before:  # noqa: ASYNC110  # a metric has no event
            await asyncio.sleep(0.05)
    asked = len(servicer.queries)
    assert not (await router.ask()).fallbacks
    assert len(servicer.queries) == asked + 1
