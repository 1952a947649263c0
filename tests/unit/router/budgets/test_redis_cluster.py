"""Budgets and values in a Redis Cluster of three servers."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
import redis.exceptions
from redis.asyncio.cluster import ClusterNode, RedisCluster

from routemoa.errors import BudgetStoreUnavailableError
from services.router.budgets.redis_connection import Connections, RedisConnection
from services.router.budgets.redis_store import open_redis_store
from services.router.budgets.redis_url import parse_redis_url
from services.router.budgets.store import Hold, Settlement
from services.router.types.amounts import Amount, Caps, TenantLimits, Window
from services.router.values.memory_values import MemoryValues
from services.router.values.redis_values import open_redis_values
from services.rpc.breaker import Breaker
from tests.ports import free_port
from tests.redis_server import RedisServer, running_redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from services.router.budgets.redis_store import RedisStore
    from services.router.values.redis_values import RedisValues

SLOTS = 16_384
ONE = Amount(1, 100, 50)
TENANTS = [f"tenant-{number}" for number in range(24)]
TWO_A_DAY = TenantLimits(windows={Window.PER_DAY: Caps(calls=2)})


def is_whole(server: RedisServer) -> bool:
    with server.client() as client:
        info = client.execute_command("CLUSTER INFO")
    return bool(info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3")


@contextmanager
def running_cluster(folder: Path) -> Iterator[list[RedisServer]]:
    """Runs three primaries, each with a third of the slots."""
    with ExitStack() as stack:
        servers: list[RedisServer] = []
        for number in range(3):
            home = folder / str(number)
            home.mkdir()
            options = [
                *("--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"),
                *("--cluster-port", str(free_port())),
            ]
            running = running_redis(home, *options, port=free_port())
            servers.append(stack.enter_context(running))
        for number, server in enumerate(servers):
            first, end = SLOTS * number // 3, SLOTS * (number + 1) // 3
            with server.client() as client:
                client.execute_command("CLUSTER ADDSLOTSRANGE", first, end - 1)
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
                if number:
                    port, bus_port = servers[0].port, servers[0].options[-1]
                    client.execute_command("CLUSTER MEET", "127.0.0.1", port, bus_port)
        give_up_s = time.monotonic() + 60
        while not all(map(is_whole, servers)):
            assert time.monotonic() < give_up_s
            time.sleep(0.02)
        yield servers


def url_of(servers: list[RedisServer]) -> str:
    return f"redis+cluster://{','.join(f'127.0.0.1:{server.port}' for server in servers)}"


async def pay(store: RedisStore, tenant_id: str, hold_id: str) -> int:
    admission = await store.reserve(tenant_id, TWO_A_DAY, [Hold(id=hold_id, amount=ONE)], 60_000)
    for _ in range(admission.count):
        store.settle(
            Settlement(tenant_id=tenant_id, hold_id=hold_id, at_ms=admission.at_ms, used=ONE)
        )
    return admission.count


async def test_tenants_are_spread_over_the_nodes_and_each_is_counted_once(tmp_path: Path) -> None:
    with running_cluster(tmp_path) as servers:
        store_of = open_redis_store(url_of(servers[:1]), timeout_s=5.0, breaker=Breaker())
        async with store_of as store:
            for hold_id, made in (("one", 1), ("two", 1), ("three", 0)):
                assert [await pay(store, tenant, hold_id) for tenant in TENANTS] == [made] * 24
            await store.settler.empty()
            for tenant in TENANTS:
                usage = await store.usage(tenant)
                assert usage.windows[Window.PER_DAY] == ONE + ONE
                assert usage.held == Amount()
        for server in servers:
            with server.client() as client:
                assert client.dbsize() > 0


async def test_tenants_of_the_nodes_that_are_left_are_admitted(tmp_path: Path) -> None:
    with running_cluster(tmp_path) as servers:
        breaker = Breaker(failure_limit=100)
        async with open_redis_store(url_of(servers), timeout_s=2.0, breaker=breaker) as store:
            assert [await pay(store, tenant, "one") for tenant in TENANTS] == [1] * 24
            await store.settler.empty()
            with servers[2].client() as client:
                gone = {key.decode().split("{")[1].split("}")[0] for key in client.keys("*")}
            assert 0 < len(gone) < len(TENANTS)
            servers[2].kill()
            for tenant in TENANTS:
                if tenant not in gone:
                    assert await pay(store, tenant, "two") == 1
            with pytest.raises(BudgetStoreUnavailableError):
                await pay(store, min(gone), "two")


async def test_a_node_that_cannot_be_left_keeps_no_connection_to_the_others_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_cluster(tmp_path) as servers:
        connection = RedisConnection(
            lambda: parse_redis_url(url_of(servers)), "return 1", timeout_s=5.0
        )
        used: list[Connections] = []

        async def ping_all(connections: Connections) -> None:
            used.append(connections)
            assert isinstance(connections.redis, RedisCluster)
            await connections.redis.ping(target_nodes=RedisCluster.ALL_NODES)

        await connection.call(ping_all)
        cluster = used[0].redis
        assert isinstance(cluster, RedisCluster)
        lost, *others = cluster.get_nodes()
        leave = ClusterNode.disconnect

        async def disconnect(node: ClusterNode) -> None:
            if node is lost:
                raise redis.exceptions.ConnectionError
            await asyncio.sleep(0.05)  # longer than the failure takes
            await leave(node)

        monkeypatch.setattr(ClusterNode, "disconnect", disconnect)
        await connection.aclose()
        assert [each.is_connected for node in others for each in node._connections] == [False] * 2
        await leave(lost)


async def test_values_are_shared_through_a_cluster(tmp_path: Path) -> None:
    with running_cluster(tmp_path) as servers:
        url = url_of(servers)

        def open_values() -> AbstractAsyncContextManager[RedisValues]:
            return open_redis_values(
                "session",
                lambda: parse_redis_url(url),
                MemoryValues(max_bytes=10_000),
                Breaker(),
                max_bytes=10_000,
                read_wait_s=10.0,
            )

        async with open_values() as mine, open_values() as others, asyncio.timeout(60):
            for number in range(12):
                found = None
                while found is None:  # on a busy machine, an operation may end at its time limit
                    mine.put(f"chat {number}", b"state", 60.0)
                    await mine.settled()
                    found = await others.get(f"chat {number}")
                assert found == b"state"
