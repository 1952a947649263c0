"""The ways to ask a scorer service, each as a call that can be repeated."""

from __future__ import annotations

import itertools
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from routemoa.v1.scorer_service_pb2 import (
    BatchRankModelsRequest,
    RankModelsRequest,
    StreamRankModelsRequest,
)
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from tests.bench.processes import module

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.bench.calls import Call

    Text = Callable[[int], str]
    """Returns the text of a query by its number."""

SCORER = "services.scorer"
BATCH = 16
STREAM = 256
CONNECTIONS = 8
"""To a service of several processes: the kernel gives each connection to one of them."""


def unary(stubs: Sequence[ScorerServiceStub], text: Text) -> Call:
    """Returns a call of one query; calls take turns on the connections."""
    turns = itertools.cycle(stubs)

    async def call(number: int) -> None:
        response = await next(turns).RankModels(RankModelsRequest(query=text(number)))
        assert response.model_scores

    return call


def refused(stub: ScorerServiceStub, text: Text) -> Call:
    """Returns a call of one query that the service refuses."""

    async def call(number: int) -> None:
        ended = stub.RankModels(RankModelsRequest(query=text(number)))
        assert await ended.code() is grpc.StatusCode.UNAVAILABLE

    return call


def bulk(stub: ScorerServiceStub, text: Text) -> Call:
    """Returns a call of `BATCH` queries in one message."""

    async def call(number: int) -> None:
        numbers = range(number * BATCH, (number + 1) * BATCH)
        requests = [RankModelsRequest(query=text(each)) for each in numbers]
        response = await stub.BatchRankModels(BatchRankModelsRequest(requests=requests))
        assert len(response.responses) == BATCH

    return call


def stream(stub: ScorerServiceStub, text: Text) -> Call:
    """Returns a call of `STREAM` queries, each a message of its own."""

    async def sent(number: int) -> AsyncIterator[StreamRankModelsRequest]:
        for each in range(number * STREAM, (number + 1) * STREAM):
            yield StreamRankModelsRequest(request=RankModelsRequest(query=text(each)))

    async def call(number: int) -> None:
        count = 0
        async for response in stub.StreamRankModels(sent(number)):
            assert response.HasField("ranking")
            count += 1
        assert count == STREAM

    return call


@asynccontextmanager
async def occupied(stub: ScorerServiceStub) -> AsyncIterator[None]:
    """Keeps one call in flight, of a service that allows no more."""
    held = stub.StreamRankModels()
    await held.write(StreamRankModelsRequest(request=RankModelsRequest(query="a word")))
    await held.read()
    yield
    await held.done_writing()


@asynccontextmanager
async def connected(address: str, connections: int = 1) -> AsyncIterator[list[ScorerServiceStub]]:
    """Opens connections of their own to a service."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(grpc.aio.insecure_channel(address, options=options))
            for _ in range(connections)
        ]
        yield [ScorerServiceStub(channel) for channel in channels]


@asynccontextmanager
async def running_scorer(
    name: str = SCORER, cores: frozenset[int] | None = None, /, **settings: str
) -> AsyncIterator[tuple[int, list[ScorerServiceStub]]]:
    """Runs a scorer service without a cache, unless told otherwise; yields process id and stubs."""
    workers = int(settings.get("WORKERS", "1"))
    settings = {"LISTEN_ADDRESS": "127.0.0.1:0", "CACHE_QUERIES": "0", **settings}
    environment = {f"ROUTEMOA_SCORER_{key}": value for key, value in settings.items()}
    async with (
        module(name, environment=environment, listeners=workers, cores=cores) as (pid, address),
        connected(address, CONNECTIONS if workers > 1 else 1) as stubs,
    ):
        yield pid, stubs
