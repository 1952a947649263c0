"""Values in Redis: shared, expiring, and never waited for."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.router.budgets.redis_url import parse_redis_url
from services.router.values.memory_values import MemoryValues
from services.router.values.metrics import FALLBACKS
from services.router.values.redis_values import open_redis_values
from services.router.values.values import open_values
from services.rpc.breaker import Breaker
from services.rpc.server import StartUpError
from tests.redis_server import RedisServer, running_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from services.router.values.redis_values import RedisValues

PATIENT_S = 20.0


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as server:
        yield server


@asynccontextmanager
async def opened(
    server: RedisServer, *, max_bytes: int = 100_000, wait_s: float = PATIENT_S
) -> AsyncIterator[RedisValues]:
    async with open_redis_values(
        "test",
        lambda: parse_redis_url(server.url),
        MemoryValues(max_bytes=100_000),
        Breaker(failure_limit=3, open_s=0.05),
        max_bytes=max_bytes,
        read_wait_s=wait_s,
    ) as values:
        yield values


def fallbacks(operation: str) -> float:
    return float(FALLBACKS.labels("test", operation)._value.get())


async def test_routers_share_their_values(server: RedisServer) -> None:
    async with opened(server) as one, opened(server) as other:
        one.put("a", b"\0\xff", 60)
        await one.settled()
        assert await other.get("a") == b"\0\xff"
        assert await other.get("b") is None
    with server.client() as client:
        assert 0 < client.pttl("routemoa:test:a") <= 60_000


async def test_a_router_goes_on_with_its_own_memory_while_redis_is_down_and_shares_again_later(
    server: RedisServer,
) -> None:
    async with opened(server) as values, opened(server) as other:
        before = fallbacks("get")
        values.put("a", b"1", 60)
        await values.settled()
        server.kill()
        for _ in range(5):  # past the limit of the breaker, too
            assert await values.get("a") == b"1"
        assert fallbacks("get") >= before + 5
        server.start()
        async with asyncio.timeout(60):
            while await other.get("b") is None:
                values.put("b", b"2", 60)
                await values.settled()
                await asyncio.sleep(0.02)


async def test_no_call_waits_for_a_redis_that_hangs(server: RedisServer) -> None:
    async with opened(server, wait_s=0.01) as values:
        values.put("a", b"1", 60)
        await values.settled()
        server.send(signal.SIGSTOP)
        try:
            started_s = time.monotonic()
            found = [await values.get("a") for _ in range(20)]
            took_s = time.monotonic() - started_s
        finally:
            server.send(signal.SIGCONT)
        assert found == [b"1"] * 20
        assert took_s < 3.0  # a single operation gives up only after one second


async def test_no_router_fills_redis(server: RedisServer) -> None:
    async with opened(server, max_bytes=250) as values:
        before = fallbacks("put")
        for name in "abc":
            values.put(name, b"x" * 100, 60)
        await values.settled()
        assert fallbacks("put") == before + 1
        assert await values.get("c") == b"x" * 100  # from memory
    with server.client() as client:
        assert client.dbsize() == 2


async def test_room_in_redis_comes_back_when_values_expire(server: RedisServer) -> None:
    async with opened(server, max_bytes=100) as values:
        values.put("a", b"x" * 100, 0.01)
        await values.settled()
        await asyncio.sleep(0.02)
        values.put("b", b"x" * 100, 60)
        await values.settled()
    with server.client() as client:
        assert client.get("routemoa:test:b") == b"x" * 100


async def test_operations_under_way_end_with_the_store(server: RedisServer) -> None:
    server.send(signal.SIGSTOP)
    try:
        async with asyncio.timeout(60):
            async with opened(server, wait_s=0.0) as values:
                values.put("a", b"1", 60)
                assert await values.get("b") is None
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left
    finally:
        server.send(signal.SIGCONT)


async def test_without_redis_values_are_kept_in_memory(tmp_path: Path) -> None:
    async with open_values("test", None, Breaker()) as values:
        values.put("a", b"1", 60)
        assert await values.get("a") == b"1"
    file = tmp_path / "url"
    file.write_text("gopher://x")
    with pytest.raises(StartUpError):
        async with open_values("test", file, Breaker()):
            pass
