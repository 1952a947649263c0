"""A replica that is killed under load: no call fails, and no stream is cut or changed."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc.aio

from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.router.backends.replicas.config import EjectionSettings, ReplicaTuning
from services.router.tuning import Tuning
from tests.integration.replica_process import MODEL, PACED, QUERY, TEXT, replica

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import RouterBench, StartRouter
    from tests.integration.replica_process import ReplicaProcess

STREAMS = 32
REQUEST = pb.StreamAnswerRequest(
    messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY)],
    policy=pb.RoutingPolicy(max_layer_count=1, max_layer_model_count=1),
)


@dataclass(slots=True)
class Watched:
    """What callers saw."""

    texts: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    reset: int = 0
    kinds: Counter[int] = field(default_factory=Counter)


async def repeat(router: RouterBench, number: int, until: asyncio.Event, watched: Watched) -> None:
    await asyncio.sleep(0.5 * number / STREAMS)  # so that each is at another place
    while not until.is_set():
        text = ""
        try:
            async for event in router.stub.StreamAnswer(REQUEST, timeout=30):
                text += event.delta.text
                watched.resumed += event.HasField("resumed")
                watched.reset += event.HasField("reset")
                watched.kinds.update(e.attempt_kind for e in event.result.usage)
        except grpc.aio.AioRpcError as error:
            text = str(from_rpc_error(error).metadata)
        watched.texts[text] += 1


def pool_of(*replicas: ReplicaProcess) -> dict[str, dict[str, object]]:
    urls = [running.url for running in replicas]
    return {MODEL: {"url": None, "endpoints": urls, "backend": "vllm"}}


async def until_called(running: ReplicaProcess) -> None:
    async with asyncio.timeout(60):
        while not await running.calls():  # noqa: ASYNC110  # it is asked over the wire
            await asyncio.sleep(0.1)


async def test_a_replica_that_is_killed_under_32_streams_costs_none_of_them(
    start_router: StartRouter, tmp_path: Path
) -> None:
    async with replica(tmp_path, *PACED) as one, replica(tmp_path, *PACED) as other:
        tuning = Tuning(replicas=ReplicaTuning(ejection=EjectionSettings(base_s=0.5)))
        router = await start_router({MODEL: ""}, {}, models=pool_of(one, other), tuning=tuning)
        watched, done = Watched(), asyncio.Event()
        async with asyncio.TaskGroup() as callers:
            for number in range(STREAMS):
                callers.create_task(repeat(router, number, done, watched))
            await until_called(one)
            await asyncio.sleep(1)  # the streams are anywhere by now
            one.kill()
            await asyncio.sleep(2)
            await one.restart()
            await until_called(one)
            done.set()
    assert set(watched.texts) == {TEXT}
    assert watched.kinds[pb.ATTEMPT_KIND_RESUME] >= watched.resumed
    assert watched.kinds[pb.ATTEMPT_KIND_RESUME] + watched.kinds[pb.ATTEMPT_KIND_RETRY] > 0
    assert watched.reset == 0
