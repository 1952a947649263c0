"""Values in Redis, shared by several routers. Redis is a help, never a need.

get -> Redis, for a short time -> the value
                               -> slow, broken or empty -> this router's own memory
put -> memory, and Redis in the background
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from services.router.budgets.redis_connection import RedisConnection
from services.router.values.metrics import FALLBACKS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from services.router.budgets.redis_connection import Connections
    from services.router.budgets.redis_url import RedisUrl
    from services.router.values.memory_values import MemoryValues
    from services.rpc.breaker import Breaker

ReplyT = TypeVar("ReplyT")
READ_WAIT_S = 0.01
"""Longest that a call waits for a value: a Redis nearby answers in less than a millisecond."""
_TIMEOUT_S = 1.0
"""Longest that an operation takes in the background, with connecting."""
_STOP_S = 0.5
"""Time for the last operations, so that another router finds the newest values."""
_MAX_OPERATIONS = 64
"""Operations at the same time; further ones are left out."""
_NO_SCRIPT = "return 0"


@asynccontextmanager
async def open_redis_values(
    name: str,
    read_url: Callable[[], RedisUrl],
    memory: MemoryValues,
    breaker: Breaker,
    *,
    max_bytes: int,
    read_wait_s: float,
) -> AsyncIterator[RedisValues]:
    """Opens a store; Redis may still be down.

    Args:
        name: The name of the store, a part of the keys in Redis.
        read_url: Reads the URL of Redis.
        memory: Values of this router, for whenever Redis does not help.
        breaker: Stops operations of a Redis that keeps failing.
        max_bytes: Most bytes of this router's values in Redis.
        read_wait_s: Longest that a call waits for a value.

    Raises:
        RedisUrlError: The URL cannot be used.
    """
    opened = RedisConnection(read_url, _NO_SCRIPT, timeout_s=_TIMEOUT_S)
    async with aclosing(opened) as connection:
        values = RedisValues(
            name, connection, memory, breaker, max_bytes=max_bytes, read_wait_s=read_wait_s
        )
        try:
            yield values
        finally:
            await values.stop()


class RedisValues:
    """A `Values` that routers share; `open_redis_values` makes one."""

    def __init__(
        self,
        name: str,
        connection: RedisConnection,
        memory: MemoryValues,
        breaker: Breaker,
        *,
        max_bytes: int,
        read_wait_s: float,
    ) -> None:
        self._name = name
        self._connection = connection
        self._memory = memory
        self._breaker = breaker
        self._room = _Room(max_bytes)
        self._read_wait_s = read_wait_s
        self._tasks: set[asyncio.Task[object]] = set()

    async def get(self, key: str) -> bytes | None:
        """Returns the value of a key; see `Values`."""
        found = None
        task = self._start("get", lambda used: used.redis.get(self._redis_key(key)))
        if task is not None:
            # The operation goes on after the wait: a first one connects, which takes longer.
            done, _ = await asyncio.wait([task], timeout=self._read_wait_s)
            if done:
                found = task.result()
            else:
                self._fell_back("get")
        return found if isinstance(found, bytes) else self._memory.read(key)

    def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keeps a value; see `Values`."""
        self._memory.put(key, value, ttl_s)
        if not self._room.take(len(value), ttl_s):
            self._fell_back("put")
            return
        ttl_ms = max(1, round(1000 * ttl_s))
        self._start("put", lambda used: used.redis.set(self._redis_key(key), value, px=ttl_ms))

    async def settled(self) -> None:
        """Waits until no operation is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Waits for the operations that are under way, and stops them if they take long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_S)
        for task in self._tasks:
            task.cancel()
        await self.settled()

    def _start(
        self, operation: str, call: Callable[[Connections], Awaitable[object]]
    ) -> asyncio.Task[object] | None:
        if len(self._tasks) >= _MAX_OPERATIONS or not self._breaker.allows():
            self._fell_back(operation)
            return None
        task: asyncio.Task[object] = asyncio.create_task(self._run(operation, call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(
        self, operation: str, call: Callable[[Connections], Awaitable[object]]
    ) -> object:
        try:
            reply = await self._connection.call(call)
        except Exception:  # noqa: BLE001  # whatever the library raises is a failure of Redis
            self._breaker.failed()
            self._fell_back(operation)
            return None
        self._breaker.succeeded()
        return reply

    def _fell_back(self, operation: str) -> None:
        FALLBACKS.labels(self._name, operation).inc()

    def _redis_key(self, key: str) -> str:
        return f"routemoa:{self._name}:{key}"


class _Room:
    """The bytes of values that have not expired in Redis; Redis itself has no limit per use."""

    def __init__(self, max_bytes: int) -> None:
        self._left_bytes = max_bytes
        self._taken: deque[tuple[float, int]] = deque()

    def take(self, size_bytes: int, ttl_s: float) -> bool:
        """Returns whether there was room for a value, and takes it."""
        now_s = time.monotonic()
        while self._taken and self._taken[0][0] <= now_s:
            self._left_bytes += self._taken.popleft()[1]
        if size_bytes > self._left_bytes:
            return False
        self._left_bytes -= size_bytes
        self._taken.append((now_s + ttl_s, size_bytes))
        return True
