"""Nobody can take a service's memory or its places from others, with or without a token."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import grpc.aio
import pytest

from routemoa.errors import OverloadedError, UnknownTenantError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1 import router_service_pb2_grpc
from routemoa.v1.scorer_service_pb2 import RankModelsRequest, StreamRankModelsRequest
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from scorer import default_artifact_path
from services.router.contract.limits import MAX_REQUEST_BYTES
from services.rpc.interceptors import call as call_module
from services.scorer.app import scorer_app
from services.scorer.config import ScorerServiceConfig
from tests.conftest import LOOPBACK
from tests.integration.service_process import logged, started
from tests.integration.unfinished_calls import unfinished_calls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Connect, Serve

POOL = Path(__file__).parents[2] / "deploy/pools/small.yaml"
EDGE = default_artifact_path()
TIMEOUT_S = 60
MEBI = 1024 * 1024
MOST_GROWTH_BYTES = 64 * MEBI
TEXT_REQUEST_BYTES = 15 * MEBI // 2
"""More than the longest text takes."""
UNFINISHED = 100
SPAN_S = 6.0
"""Enough for the calls to take all the memory that they get."""
ROUTER = "/routemoa.v1.RouterService"


@asynccontextmanager
async def router(**settings: str) -> AsyncIterator[tuple[int, str]]:
    """Starts a router; yields its process id and its address."""
    settings.setdefault("POOL_FILE", str(POOL))
    async with started("router", **settings) as process:
        yield process.pid, str((await logged(process, "listening"))["address"])


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


@pytest.mark.parametrize("method", [f"{ROUTER}/StreamAnswer", "/grpc.health.v1.Health/Check"])
@pytest.mark.parametrize("length", [TEXT_REQUEST_BYTES, MAX_REQUEST_BYTES - 1])
async def test_messages_without_an_end_take_little_memory_and_keep_no_other_call_out(
    method: str, length: int
) -> None:
    async with router() as (pid, address), unfinished_calls(address) as calls:
        before = peak = resident_bytes(pid)

        def watch() -> None:
            nonlocal peak
            peak = max(peak, resident_bytes(pid))

        calls.begin(method, UNFINISHED, message_bytes=length, sent_bytes=length - MEBI // 8)
        await calls.push(SPAN_S, watch)
        assert calls.sent_bytes > 4 * MEBI
        assert peak - before < MOST_GROWTH_BYTES
        async with grpc.aio.insecure_channel(address) as channel:
            stub = router_service_pb2_grpc.RouterServiceStub(channel)
            assert (await stub.ListModels(pb.ListModelsRequest(), timeout=TIMEOUT_S)).models


async def test_a_message_above_the_limit_is_refused_by_its_length() -> None:
    async with router() as (_, address), unfinished_calls(address) as calls:
        calls.begin(
            f"{ROUTER}/GenerateAnswer", 3, message_bytes=MAX_REQUEST_BYTES + 1, sent_bytes=MEBI
        )
        await calls.push(TIMEOUT_S, lambda: None)
        assert calls.ended == 3
        assert calls.sent_bytes < 3 * MEBI


async def test_a_message_that_is_small_only_while_compressed_is_refused() -> None:
    async with router() as (pid, address):
        before = resident_bytes(pid)
        gzip = grpc.Compression.Gzip
        async with grpc.aio.insecure_channel(address, compression=gzip) as channel:
            method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
            method = channel.unary_unary(f"{ROUTER}/GenerateAnswer")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await method(bytes(50 * MEBI), timeout=TIMEOUT_S)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert resident_bytes(pid) - before < MOST_GROWTH_BYTES


async def test_a_caller_without_a_token_is_refused_before_its_message_is_received(
    tmp_path: Path,
) -> None:
    tenants = tmp_path / "tenants.yaml"
    digest = hashlib.sha256(b"the-token-of-research").hexdigest()
    tenants.write_text(f"tenants:\n  - id: research\n    token_sha256: [{digest}]\n")
    async with router(TENANTS_FILE=str(tenants)) as (_, address):
        async with unfinished_calls(address) as calls:
            calls.begin(
                f"{ROUTER}/GenerateAnswer", 20, message_bytes=MAX_REQUEST_BYTES - 1, sent_bytes=0
            )
            await calls.push(TIMEOUT_S, lambda: None)
            assert calls.ended == 20
        async with grpc.aio.insecure_channel(address) as channel:
            stub = router_service_pb2_grpc.RouterServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.ListModels(pb.ListModelsRequest(), timeout=TIMEOUT_S)
        assert isinstance(from_rpc_error(caught.value), UnknownTenantError)


async def test_idle_streams_give_way_to_calls(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_module, "READING_PATIENCE_S", 0.0)
    config = ScorerServiceConfig(
        listen_address=LOOPBACK, artifact=EDGE, max_concurrent_calls=10, max_queue_wait_s=TIMEOUT_S
    )
    stub = ScorerServiceStub(connect(await serve(config, scorer_app(config))))
    streams = [stub.StreamRankModels() for _ in range(9)]  # as many as one host may have
    for stream in streams:
        await stream.write(StreamRankModelsRequest(request=RankModelsRequest(query="hold")))
        assert await stream.read() is not grpc.aio.EOF
    for number in range(12):
        request = RankModelsRequest(query=f"question {number}")
        assert (await stub.RankModels(request, timeout=TIMEOUT_S)).model_scores
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asyncio.wait_for(streams[0].read(), TIMEOUT_S)
    assert isinstance(from_rpc_error(caught.value), OverloadedError)
    for stream in streams:
        stream.cancel()


def metrics_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def can_connect(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=TIMEOUT_S).close()
    except ConnectionRefusedError:
        return False
    return True


def page(port: int) -> bytes:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT_S) as response:
        text: bytes = response.read()
    return text


async def test_metrics_are_served_on_the_host_of_the_service() -> None:
    port = metrics_port()
    async with started("judge", METRICS_PORT=str(port)) as process:
        await logged(process, "listening")
        assert can_connect("127.0.0.1", port)
        assert not can_connect("127.0.0.2", port)


async def test_metrics_are_served_on_all_addresses_where_the_service_is() -> None:
    port = metrics_port()
    settings = {"METRICS_PORT": str(port), "LISTEN_ADDRESS": "[::]:0"}
    async with started("judge", **settings) as process:
        await logged(process, "listening")
        assert b"routemoa_calls_limit_count" in await asyncio.to_thread(page, port)
