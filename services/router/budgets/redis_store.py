"""Counts in Redis, for several routers: one script per reservation, on the server's clock.

Where Redis does not answer, nothing is admitted: budgets fail closed.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import redis.asyncio
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from routemoa.errors import BudgetStoreUnavailableError
from services.router.budgets.metrics import STORE_FAILURES, UNSETTLED
from services.router.budgets.settler import Settler
from services.router.budgets.store import Admission, Hold, Refusal, Settlement, Usage
from services.router.types.amounts import Amount
from services.router.types.resource_limits import Window
from services.rpc.telemetry import BREAKER_OPEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from services.router.types.resource_limits import Limits
    from services.rpc.breaker import Breaker

_SCRIPT = files("services.router.budgets").joinpath("budget.lua").read_text(encoding="utf-8")
_MAX_CONNECTIONS = 64
_DEPENDENCY = "budget_store"
_NO_LIMIT = -1
_log = structlog.get_logger()


@asynccontextmanager
async def open_redis_store(
    url: str, *, timeout_s: float, breaker: Breaker
) -> AsyncIterator[RedisStore]:
    """Opens a store; Redis need not be up yet.

    Args:
        url: As redis-py reads it: `redis://`, `rediss://` or `unix://`, with user and password.
        timeout_s: The longest that a reservation may wait for Redis.
        breaker: Stops asking a Redis that keeps failing.

    Raises:
        ValueError: The URL is none.
    """
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=_MAX_CONNECTIONS,
        timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        # A reservation that is sent twice would count twice.
        retry=Retry(NoBackoff(), 0),
    )
    async with redis.asyncio.Redis.from_pool(pool) as client:
        store = RedisStore(client, timeout_s=timeout_s, breaker=breaker)
        async with store.settler.running(close_timeout_s=2 * timeout_s):
            yield store


class RedisStore:
    """A `BudgetStore` that routers share."""

    def __init__(self, client: redis.asyncio.Redis, *, timeout_s: float, breaker: Breaker) -> None:
        self._script = client.register_script(_SCRIPT)
        self._timeout_s = timeout_s
        self._breaker = breaker
        self.settler = Settler(self._send)
        BREAKER_OPEN.labels(_DEPENDENCY).set(0)

    async def reserve(
        self, tenant_id: str, limits: Limits, holds: Sequence[Hold], lease_ms: int
    ) -> Admission:
        """Makes as many of the holds as fit; see `BudgetStore`."""
        asked = [part for hold in holds for part in (hold.id, *hold.amount.parts(), hold.answers)]
        try:
            made, at_ms, limit, resets_at_ms, retry_after_ms = await self._call(
                tenant_id, "reserve", lease_ms, *_limits(limits), *asked
            )
        except BaseException:  # cancelled too: Redis may have made the holds
            for hold in holds:
                self.settle(Settlement(tenant_id=tenant_id, hold_id=hold.id, at_ms=0))
            raise
        refusal = None
        if limit:
            refusal = Refusal(
                limit=limit.decode(),
                resets_at_ms=_optional(resets_at_ms),
                retry_after_ms=_optional(retry_after_ms),
            )
        return Admission(count=made, at_ms=int(at_ms), refusal=refusal)

    def settle(self, settlement: Settlement) -> None:
        """Counts what a hold used, soon; see `BudgetStore`."""
        self.settler.add(settlement)

    async def usage(self, tenant_id: str) -> Usage:
        """Returns a tenant's counts; see `BudgetStore`."""
        answers, *numbers = [int(text) for text in await self._call(tenant_id, "usage")]
        amounts = [Amount(*numbers[at : at + 3]) for at in range(0, len(numbers), 3)]
        return Usage(
            answers=answers,
            held=amounts[0],
            windows=dict(zip(Window, amounts[1:], strict=True)),
        )

    async def _send(self, tenant_id: str, settlements: Sequence[Settlement]) -> bool:
        said = [part for s in settlements for part in (s.hold_id, s.at_ms, *s.used.parts())]
        try:
            await self._call(tenant_id, "settle", *said)
        except BudgetStoreUnavailableError as error:
            if isinstance(error.__cause__, ResponseError):
                # Redis is up and will say the same again.
                UNSETTLED.inc(len(settlements))
                return True
            return False
        return True

    async def _call(self, tenant_id: str, operation: str, *arguments: str | int) -> list[Any]:
        if not self._breaker.allows():
            raise self._unavailable()
        keys = [f"routemoa:{{{tenant_id}}}:{name}" for name in ("counts", "leases", "holds")]
        try:
            async with asyncio.timeout(self._timeout_s):
                reply: list[Any] = await self._script(keys=keys, args=[operation, *arguments])
        except (RedisError, OSError, TimeoutError) as error:
            self._breaker.failed()
            BREAKER_OPEN.labels(_DEPENDENCY).set(self._breaker.is_open)
            STORE_FAILURES.inc()
            _log.warning("budget_store_failed", operation=operation, error=type(error).__name__)
            raise self._unavailable() from error
        self._breaker.succeeded()
        BREAKER_OPEN.labels(_DEPENDENCY).set(0)
        return reply

    def _unavailable(self) -> BudgetStoreUnavailableError:
        return BudgetStoreUnavailableError(
            "the budgets cannot be read now", retry_delay_s=self._breaker.open_s
        )


def _limits(limits: Limits) -> list[int]:
    caps = [limits.concurrent_answers]
    for window in Window:
        of_window = limits.windows.get(window)
        caps += [None] * 3 if of_window is None else of_window.parts()
    return [_NO_LIMIT if cap is None else cap for cap in caps]


def _optional(number: bytes) -> int | None:
    return None if int(number) < 0 else int(number)
