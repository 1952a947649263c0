"""The interface of a store of values, and the store that the settings name."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

from services.router.budgets.redis_url import RedisUrlError, read_redis_url
from services.router.values.memory_values import MemoryValues
from services.router.values.redis_values import READ_WAIT_S, open_redis_values
from services.rpc.server import StartUpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from services.rpc.breaker import Breaker

MAX_BYTES = 64 * 1024 * 1024
"""Most memory of the values of one store, and most bytes of a router's values in Redis."""


class Values(Protocol):
    """Keeps bytes under a key for a while; may forget them at any time."""

    async def get(self, key: str) -> bytes | None:
        """Returns the value of a key; None if there is none. Waits for a bounded time, never fails."""
        ...

    def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keeps a value under a key, in place of any other. Never waits and never fails."""
        ...


@asynccontextmanager
async def open_values(
    name: str,
    redis_url_file: Path | None,
    breaker: Breaker,
    *,
    read_wait_s: float = READ_WAIT_S,
) -> AsyncIterator[Values]:
    """Opens a store: in Redis, or in memory if there is no Redis.

    Args:
        name: The name of the store.
        redis_url_file: File with the URL of the Redis of the budgets; None if there is none.
        breaker: Stops operations of a Redis that keeps failing.
        read_wait_s: Longest that a call waits for Redis.

    Raises:
        StartUpError: The file with Redis's URL cannot be used.
    """
    memory = MemoryValues(max_bytes=MAX_BYTES)
    if redis_url_file is None:
        yield memory
        return
    async with AsyncExitStack() as stack:
        read_url = partial(read_redis_url, redis_url_file)
        opened = open_redis_values(
            name, read_url, memory, breaker, max_bytes=MAX_BYTES, read_wait_s=read_wait_s
        )
        try:
            values = await stack.enter_async_context(opened)
        except RedisUrlError as error:
            raise StartUpError(str(error)) from error
        yield values
