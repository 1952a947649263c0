"""A Redis server for all tests of the budgets."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.router.budgets import redis_store
from services.rpc.breaker import Breaker
from tests.ports import free_port
from tests.redis_server import RedisServer, running_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from services.router.budgets.redis_store import RedisStore

CLOCK_KEY = "the-time-that-the-test-sets-ms"


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One server for all tests that do it no harm."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_redis(Path(folder), port=free_port()) as server,
    ):
        yield server


@asynccontextmanager
async def opened(server: RedisServer, *, timeout_s: float = 5.0) -> AsyncIterator[RedisStore]:
    """Opens a store on a server, patient enough for a busy machine."""
    async with redis_store.open_redis_store(
        server.url, timeout_s=timeout_s, breaker=Breaker(failure_limit=3, open_s=0.05)
    ) as store:
        yield store
