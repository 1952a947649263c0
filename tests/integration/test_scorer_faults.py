"""A scorer process serves on, whatever its files, its clients and its network do."""

from __future__ import annotations

import asyncio
import resource
import shutil
import socket
import sys
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import grpc.aio
import pytest

from routemoa.v1.scorer_service_pb2 import (
    BatchRankModelsRequest,
    RankModelsRequest,
    RankModelsResponse,
)
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from scorer import default_artifact_path
from services.scorer.app import MAX_MESSAGE_BYTES
from tests.integration.service_process import logged, started
from tests.toolchain import missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EDGE = default_artifact_path()
QUERY = "What is the capital of France?"
TIMEOUT_S = 60
DAY_S = 86_400.0
MEBI = 1024 * 1024
SPARE_DESCRIPTORS = 200

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, SETTINGS, CONTINUATION = 1, 4, 9
BOMB_BYTES = 512 * MEBI
STEP_BYTES = MEBI // 4
"""Bytes of the flood between two calls of others."""
FRAME_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A scorer process."""

    pid: int
    address: str
    stub: ScorerServiceStub
    metrics_port: int

    async def rank(self) -> RankModelsResponse:
        return await self.stub.RankModels(RankModelsRequest(query=QUERY), timeout=TIMEOUT_S)

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def calls_in_flight(self) -> float:
        with urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=TIMEOUT_S) as page:
            lines = page.read().decode().splitlines()
        name = "routemoa_calls_in_flight_count "
        return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))


@asynccontextmanager
async def running(artifact: Path = EDGE, **settings: str) -> AsyncIterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "ARTIFACT": str(artifact),
        "CACHE_QUERIES": "0",
        "ARTIFACT_RELOAD_INTERVAL_S": "0.05",
        "METRICS_PORT": str(port),
        **settings,
    }
    async with started("scorer", **settings) as process:
        address = str((await logged(process, "listening"))["address"])
        async with grpc.aio.insecure_channel(address) as channel:
            stub = ScorerServiceStub(channel)
            yield Running(pid=process.pid, address=address, stub=stub, metrics_port=port)


def scores_of(response: RankModelsResponse) -> dict[str, float]:
    return {item.model_id: item.score for item in response.model_scores}


@pytest.mark.parametrize("how", ["garbage in place", "cut short in place", "replaced", "gone"])
async def test_a_model_file_that_is_touched_while_serving_changes_no_answer(
    tmp_path: Path, how: str
) -> None:
    artifact = tmp_path / "artifact"
    shutil.copytree(EDGE, artifact)
    model = artifact / "model.onnx"
    async with running(artifact) as scorer:
        before = scores_of(await scorer.rank())
        if how == "garbage in place":
            model.write_bytes(b"\xff" * model.stat().st_size)
        elif how == "cut short in place":
            with model.open("r+b") as file:
                file.truncate(100)
        elif how == "replaced":
            other = tmp_path / "other"
            shutil.copy(default_artifact_path() / "model.onnx", other)
            other.replace(model)
        else:
            model.unlink()
        for _ in range(20):
            assert scores_of(await scorer.rank()) == before


CLIENT = f"""
import grpc, sys
from routemoa.v1.scorer_service_pb2 import RankModelsRequest, StreamRankModelsRequest
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
def sent():
    while True:
        yield StreamRankModelsRequest(request=RankModelsRequest(query={QUERY!r} * 100))
stub = ScorerServiceStub(grpc.insecure_channel(sys.argv[1]))
for response in stub.StreamRankModels(sent()):
    sys.stdout.write("answered\\n")
    sys.stdout.flush()
"""


async def test_clients_that_vanish_in_the_middle_of_a_batch_leave_nothing_behind() -> None:
    async with running() as scorer:
        clients = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", CLIENT, scorer.address), stdout=asyncio.subprocess.PIPE
            )
            for _ in range(3)
        ]
        try:
            for client in clients:
                assert client.stdout is not None
                assert await asyncio.wait_for(client.stdout.readline(), TIMEOUT_S)
            assert await asyncio.to_thread(scorer.calls_in_flight) == len(clients)
        finally:
            for client in clients:
                client.kill()
                await client.communicate()
        async with asyncio.timeout(TIMEOUT_S):
            while await asyncio.to_thread(scorer.calls_in_flight):  # noqa: ASYNC110  # no event
                await asyncio.sleep(0.01)
        assert scores_of(await scorer.rank())


@pytest.mark.parametrize(
    "count", [1_000, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]
)
async def test_idle_connections_do_not_keep_callers_from_being_answered(count: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < count + SPARE_DESCRIPTORS:
        missing(f"a process may have {most} descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the scorer inherits it
    async with running() as scorer:
        before = scorer.resident_bytes()
        host, _, port = scorer.address.rpartition(":")
        turns = asyncio.Semaphore(50)
        writers: list[asyncio.StreamWriter] = []

        async def connect() -> None:
            async with turns:
                reader, writer = await asyncio.open_connection(host, int(port))
                writers.append(writer)
                writer.write(PREFACE + frame(SETTINGS, b"", stream=0))
                await reader.readexactly(9)  # the server's settings: it is a connection to it

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(count):
                    tasks.create_task(connect())
            assert scores_of(await scorer.rank())
            per_connection = (scorer.resident_bytes() - before) / count
            assert per_connection < 64 * 1024
        finally:
            for writer in writers:
                writer.close()


def frame(kind: int, payload: bytes, *, stream: int) -> bytes:
    """Returns an HTTP/2 frame without flags."""
    return len(payload).to_bytes(3) + bytes((kind, 0)) + stream.to_bytes(4) + payload


def literal_headers(size: int) -> bytes:
    """Returns so many bytes of header fields as HPACK has them, none of which is indexed."""
    field = b"\x00\x01a\x7d" + b"v" * 125
    return field * (size // len(field))


async def test_headers_without_end_are_not_kept_and_others_are_answered_meanwhile() -> None:
    """The calls in between also keep gRPC from one read of all that a fast peer sends."""
    async with running() as scorer:
        await scorer.rank()
        before = scorer.resident_bytes()
        host, _, port = scorer.address.rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        payload = literal_headers(FRAME_BYTES)
        writer.write(PREFACE + frame(SETTINGS, b"", stream=0) + frame(HEADERS, payload, stream=1))
        more = frame(CONTINUATION, payload, stream=1) * (STEP_BYTES // FRAME_BYTES)
        try:
            for _ in range(BOMB_BYTES // STEP_BYTES):
                with suppress(ConnectionError):
                    writer.write(more)
                    await asyncio.wait_for(writer.drain(), TIMEOUT_S)
                assert scores_of(await scorer.rank())
        finally:
            writer.close()
        assert scorer.resident_bytes() - before < BOMB_BYTES / 4


async def test_metadata_above_the_limit_is_refused_and_the_next_call_is_answered() -> None:
    async with running() as scorer:
        bomb = tuple((f"x-{number}", "v" * 1000) for number in range(200))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await scorer.stub.RankModels(
                RankModelsRequest(query=QUERY), metadata=bomb, timeout=TIMEOUT_S
            )
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert scores_of(await scorer.rank())


async def test_a_message_above_the_limit_is_refused_and_the_next_call_is_answered() -> None:
    async with running() as scorer:
        request = BatchRankModelsRequest(
            requests=[RankModelsRequest(query="v" * MAX_MESSAGE_BYTES)]
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await scorer.stub.BatchRankModels(request, timeout=TIMEOUT_S)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert scores_of(await scorer.rank())


async def test_a_clock_that_jumps_changes_no_wait(
    scorer: ScorerServiceStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls have no deadline here: gRPC's Python counts those by the time of day."""
    start_s = time.time()
    async with asyncio.timeout(TIMEOUT_S):
        for now_s in (start_s, start_s + DAY_S, start_s - DAY_S):
            monkeypatch.setattr("time.time", lambda now_s=now_s: now_s)
            response = await scorer.RankModels(RankModelsRequest(query=f"{QUERY} {now_s}"))
            timing = response.timing
            for spent in (timing.queue_duration, timing.inference_duration):
                assert 0 <= spent.ToTimedelta().total_seconds() < TIMEOUT_S
