"""Both stores, on a clock that the test sets."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.router.budgets import redis_store
from services.router.budgets.memory_store import MemoryStore
from services.rpc.breaker import Breaker
from tests.redis_server import RedisServer, running_redis

if TYPE_CHECKING:
    from services.router.budgets.store import BudgetStore

CLOCK_KEY = "the-time-that-the-test-sets-ms"
OpenStore = Callable[[], "AbstractAsyncContextManager[BudgetStore]"]


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One server for all tests that do it no harm."""
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as server:
        yield server


@asynccontextmanager
async def opened(server: RedisServer, *, timeout_s: float = 5.0) -> AsyncIterator[BudgetStore]:
    """Opens a store on a server, patient enough for a busy machine."""
    async with redis_store.open_redis_store(
        server.url, timeout_s=timeout_s, breaker=Breaker(failure_limit=3, open_s=0.05)
    ) as store:
        yield store


@asynccontextmanager
async def in_memory() -> AsyncIterator[BudgetStore]:
    yield MemoryStore()


@pytest.fixture(params=["memory", "redis"])
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    """Opens a store whose counts are empty."""
    if request.param == "memory":
        return in_memory
    server: RedisServer = request.getfixturevalue("redis_server")
    with server.client() as client:
        client.flushall()
    return lambda: opened(server)
