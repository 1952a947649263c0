"""One name, several servers: calls spread, survive a server's end, and find servers that are added."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from routemoa.v1.scorer_service_pb2 import RankModelsRequest
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from services.rpc.channel import open_channel
from services.rpc.server import running_server
from services.scorer.config import ScorerServiceConfig
from tests.conftest import LOOPBACK
from tests.integration.conftest import ScriptedScorer, scripted_scorer_app
from tests.integration.headless import name_server
from tests.pace import pace
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TIMEOUT_S = 60.0
NAME = "scorer.test"


@asynccontextmanager
async def scorer(
    listen_address: str = LOOPBACK,
    *,
    drain_delay_s: float = 0.0,
    connection_age_s: float = 0.5,
) -> AsyncIterator[tuple[ScriptedScorer, str]]:
    servicer = ScriptedScorer({"a": 0.5})
    config = ScorerServiceConfig(
        listen_address=listen_address,
        drain_delay_s=drain_delay_s,
        drain_timeout_s=1,
        max_connection_age_s=connection_age_s,
    )
    async with (
        scripted_scorer_app(servicer) as service,
        running_server(config, service) as address,
    ):
        yield servicer, address


async def ask(stub: ScorerServiceStub, count: int = 1) -> None:
    for _ in range(count):
        await stub.RankModels(RankModelsRequest(query="q"), timeout=TIMEOUT_S)


async def test_calls_spread_over_all_addresses_and_go_on_when_a_server_ends() -> None:
    async with AsyncExitStack() as first_server, scorer() as (second, second_address):
        first, first_address = await first_server.enter_async_context(scorer())
        async with open_channel(f"ipv4:{first_address},{second_address}") as channel:
            stub = ScorerServiceStub(channel)
            async with asyncio.timeout(TIMEOUT_S):
                while not (first.queries and second.queries):
                    await ask(stub)
            await first_server.aclose()
            before = len(second.queries)
            await ask(stub, 20)
            assert len(second.queries) == before + 20


async def test_calls_leave_a_server_that_drains_while_it_still_answers() -> None:
    async with AsyncExitStack() as first_server, scorer() as (second, second_address):
        first, first_address = await first_server.enter_async_context(
            scorer(drain_delay_s=2 * pace())
        )
        async with open_channel(f"ipv4:{first_address},{second_address}") as channel:
            stub = ScorerServiceStub(channel)
            async with asyncio.timeout(TIMEOUT_S):
                while not (first.queries and second.queries):
                    await ask(stub)
            stopping = asyncio.create_task(first_server.aclose())
            async with asyncio.timeout(TIMEOUT_S):
                before = -1
                while len(first.queries) > before:
                    before = len(first.queries)
                    await ask(stub, 10)
            assert not stopping.done()
            await stopping


async def test_no_call_is_lost_while_all_servers_that_a_client_knows_drain() -> None:
    port = free_port("127.0.0.1", "127.0.0.2", "127.0.0.3")
    async with (
        AsyncExitStack() as first_server,
        AsyncExitStack() as second_server,
        scorer(f"127.0.0.3:{port}") as (new, _),
        name_server() as names,
        open_channel(f"dns://{names.address}/{NAME}:{port}") as channel,
        asyncio.TaskGroup() as stops,
    ):
        # The first ends its connection, so that the client looks the name up, before the second says
        # that it drains.
        delay_s = 2 * pace()
        old = {"127.0.0.1": (first_server, delay_s), "127.0.0.2": (second_server, 2 * delay_s)}
        for host, (server, drains_s) in old.items():
            started = scorer(f"{host}:{port}", drain_delay_s=drains_s, connection_age_s=TIMEOUT_S)
            await server.enter_async_context(started)
        names.hosts[NAME] = list(old)
        stub = ScorerServiceStub(channel)
        await ask(stub, 10)
        names.hosts[NAME] = ["127.0.0.3"]
        stopping = [stops.create_task(server.aclose()) for server, _ in old.values()]
        while not all(task.done() for task in stopping):
            await ask(stub)
            await asyncio.sleep(0.01)
        assert new.queries


async def test_a_server_that_is_added_to_the_name_gets_calls_and_none_is_lost() -> None:
    port = free_port("127.0.0.1", "127.0.0.2")
    async with (
        scorer(f"127.0.0.1:{port}") as (first, _),
        scorer(f"127.0.0.2:{port}") as (added, _),
        name_server() as names,
        open_channel(f"dns://{names.address}/{NAME}:{port}") as channel,
    ):
        names.hosts[NAME] = ["127.0.0.1"]
        stub = ScorerServiceStub(channel)
        await ask(stub, 10)
        assert not added.queries
        names.hosts[NAME].append("127.0.0.2")
        async with asyncio.timeout(TIMEOUT_S):
            while not added.queries:
                await ask(stub)
                await asyncio.sleep(0.01)
        before = len(first.queries), len(added.queries)
        await ask(stub, 10)
        assert len(first.queries) > before[0]
        assert len(added.queries) > before[1]
