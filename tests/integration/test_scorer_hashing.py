"""Calls with one query reach one scorer, so caches of several are no smaller than one of all."""

from __future__ import annotations

from collections import defaultdict
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import grpc.aio

from routemoa.v1 import scorer_service_pb2, scorer_service_pb2_grpc
from services.router.dependencies.remote import Remote
from services.router.dependencies.scorer_client import QUERY_HASH_KEY, Scorer
from services.router.pool.pool import ModelSet
from services.router.types.conversation import Conversation
from services.router.types.deadline import Deadline
from services.router.types.messages import Message, Role
from services.rpc.breaker import Breaker
from services.rpc.channel import Connection
from tests.unit.router.runs import pool_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.rpc.interceptors.call import Context

POOL = ModelSet([pool_model("a"), pool_model("b")])


class CountingScorer(scorer_service_pb2_grpc.ScorerServiceServicer):
    """Knows two models, and how often it was asked each query."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, int] = defaultdict(int)

    async def RankModels(
        self, request: scorer_service_pb2.RankModelsRequest, context: Context
    ) -> scorer_service_pb2.RankModelsResponse:
        del context
        self.counts[request.query] += 1
        response = scorer_service_pb2.RankModelsResponse(scorer_version="v")
        for model_id in ("a", "b"):
            response.model_scores.add(model_id=model_id, score=0.5)
        return response


@asynccontextmanager
async def running(scorer: CountingScorer) -> AsyncIterator[tuple[grpc.aio.Server, int]]:
    server = grpc.aio.server()
    scorer_service_pb2_grpc.add_ScorerServiceServicer_to_server(scorer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield server, port
    finally:
        await server.stop(None)


async def ask(scorer: Scorer, query: str, salt: str = "") -> bool:
    """Asks for a ranking; returns whether it is the scorer's."""
    said = Message(role=Role.USER, content=query)
    conversation = Conversation(messages=(said,), cache_salt=salt)
    priors = await scorer.priors(conversation, POOL, None, Deadline.after(60))
    return priors.fallback is None


async def test_a_query_reaches_one_scorer_and_another_one_when_that_is_gone() -> None:
    async with AsyncExitStack() as stack:
        scorers = [CountingScorer() for _ in range(3)]  # type: ignore[abstract]  # one call is made
        servers = [await stack.enter_async_context(running(scorer)) for scorer in scorers]
        address = "ipv4:" + ",".join(f"127.0.0.1:{port}" for _, port in servers)
        opened = Connection(address, None, grace_s=1.0, hash_header=QUERY_HASH_KEY)
        connection = await stack.enter_async_context(opened)
        scorer = Scorer(Remote("scorer", lambda: connection.channel, Breaker(), 60.0))
        queries = [f"query {number}" for number in range(60)]
        for _ in range(3):
            assert all([await ask(scorer, query) for query in queries])
        for query in queries:
            assert sorted(each.counts[query] for each in scorers) == [0, 0, 3]
        assert all(sum(each.counts.values()) > 0 for each in scorers)
        await servers[0][0].stop(None)
        assert all([await ask(scorer, query) for query in queries])
        for query in queries:
            was_there = [each.counts[query] for each in scorers[1:]]
            assert sorted(was_there) in ([0, 1], [0, 4])  # it moved, or it stayed


async def test_queries_of_tenants_with_caches_of_their_own_spread_by_themselves() -> None:
    async with AsyncExitStack() as stack:
        scorers = [CountingScorer() for _ in range(3)]  # type: ignore[abstract]  # one call is made
        servers = [await stack.enter_async_context(running(scorer)) for scorer in scorers]
        address = "ipv4:" + ",".join(f"127.0.0.1:{port}" for _, port in servers)
        opened = Connection(address, None, grace_s=1.0, hash_header=QUERY_HASH_KEY)
        connection = await stack.enter_async_context(opened)
        scorer = Scorer(Remote("scorer", lambda: connection.channel, Breaker(), 60.0))
        for number in range(60):
            assert await ask(scorer, "the same", salt=f"tenant {number}")
        assert all(each.counts["the same"] > 0 for each in scorers)
