"""Several scorer processes on one port: spread, replaced when killed, drained together."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import grpc.aio

from routemoa.v1.scorer_service_pb2 import RankModelsRequest
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from scorer import default_artifact_path
from tests.pace import PACE
from tests.ports import free_port
from tests.processes import all_ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WORKERS = 2
TIMEOUT_S = 60 * PACE
EDGE = default_artifact_path()


@dataclass(slots=True, kw_only=True)
class Supervised:
    """A supervisor, and the log lines of its processes."""

    process: asyncio.subprocess.Process
    metrics_port: int
    lines: list[dict[str, object]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            async with self.changed:
                self.lines.append(json.loads(line))
                self.changed.notify_all()

    async def logged(self, event: str, count: int) -> list[dict[str, object]]:
        """Waits for an event's lines."""
        async with asyncio.timeout(TIMEOUT_S), self.changed:
            await self.changed.wait_for(lambda: len(self.of(event)) >= count)
            return self.of(event)

    def of(self, event: str) -> list[dict[str, object]]:
        return [line for line in self.lines if line["event"] == event]

    def workers(self) -> set[int]:
        """Returns the process ids of the workers that live."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(pid) for pid in children.split()}


@asynccontextmanager
async def supervised() -> AsyncIterator[Supervised]:
    metrics_port = free_port()
    settings = {
        "LISTEN_ADDRESS": "127.0.0.1:0",
        "METRICS_PORT": str(metrics_port),
        "WORKERS": str(WORKERS),
        "ARTIFACT": str(EDGE),
        "CACHE_QUERIES": "0",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.scorer",
        env=os.environ | {f"ROUTEMOA_SCORER_{name}": value for name, value in settings.items()},
        stderr=asyncio.subprocess.PIPE,
    )
    group = Supervised(process=process, metrics_port=metrics_port)
    reader = asyncio.create_task(group.read())
    try:
        yield group
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await reader


@asynccontextmanager
async def stub_of(address: object) -> AsyncIterator[ScorerServiceStub]:
    """Opens a connection of its own, which the kernel gives to some worker."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.insecure_channel(str(address), options=options) as channel:
        yield ScorerServiceStub(channel)


async def rank(stub: ScorerServiceStub, number: int) -> None:
    request = RankModelsRequest(query=f"What is {number}?")
    response = await stub.RankModels(request, timeout=TIMEOUT_S, wait_for_ready=True)
    assert len(response.model_scores) > 1


def handled(metrics_port: int) -> float:
    """Returns the number of calls that all workers answered, by their metrics."""
    with urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=TIMEOUT_S) as response:
        lines = response.read().decode().splitlines()
    name = 'grpc_server_handled_total{code="OK",method="RankModels"} '
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


async def test_a_killed_worker_costs_its_callers_a_retryable_error_at_most_and_is_replaced() -> (
    None
):
    async with supervised() as group:
        address = (await group.logged("listening", WORKERS))[0]["address"]
        before = group.workers()
        assert len(before) == WORKERS
        codes: list[grpc.StatusCode] = []
        stop = asyncio.Event()

        async def ask() -> None:
            async with stub_of(address) as stub:
                while not stop.is_set():
                    try:
                        await rank(stub, len(codes))
                    except grpc.aio.AioRpcError as error:
                        codes.append(error.code())
                    else:
                        codes.append(grpc.StatusCode.OK)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(8):
                tasks.create_task(ask())
            while len(codes) < 50:  # noqa: ASYNC110  # there is nothing to wait for but answers
                await asyncio.sleep(0.01)
            os.kill(min(before), signal.SIGKILL)
            await group.logged("worker_ended", 1)
            await group.logged("listening", WORKERS + 1)
            stop.set()
        assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
        after = group.workers()
        assert len(after) == WORKERS
        assert min(before) not in after


async def test_metrics_of_all_workers_are_one_and_all_drain_when_told_to_stop() -> None:
    async with supervised() as group:
        address = (await group.logged("listening", WORKERS))[0]["address"]
        for number in range(12):
            async with stub_of(address) as stub:
                await rank(stub, number)
        assert await asyncio.to_thread(handled, group.metrics_port) == 12
        group.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(group.process.wait(), TIMEOUT_S) == 0
        await group.logged("stopped", WORKERS)


async def test_no_worker_outlives_a_supervisor_that_is_killed() -> None:
    async with supervised() as group:
        address = (await group.logged("listening", WORKERS))[0]["address"]
        workers = group.workers()
        assert len(workers) == WORKERS
        async with stub_of(address) as stub:
            await rank(stub, 1)
            group.process.kill()
            await all_ended(workers, timeout_s=TIMEOUT_S)
        await group.logged("stopped", WORKERS)


async def test_workers_that_are_still_starting_end_with_their_supervisor_too() -> None:
    async with supervised() as group:
        await group.logged("supervising", 1)
        async with asyncio.timeout(TIMEOUT_S):
            while not (workers := group.workers()):  # noqa: ASYNC110  # it is another process
                await asyncio.sleep(0.01)
        group.process.kill()
        await all_ended(workers, timeout_s=TIMEOUT_S)
