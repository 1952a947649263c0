"""Counts in Redis, shared by several routers: one script per reservation, on the server's clock.

If Redis does not answer, nothing is admitted: budgets fail closed. Settlements are sent in the
background until each is counted, because tasks that settle are often being cancelled and cannot wait.
As nothing is reserved while Redis is down, no more settlements wait than calls were in flight.
"""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from routemoa.errors import BudgetStoreUnavailableError
from services.router.budgets.metrics import STORE_FAILURES
from services.router.budgets.redis_connection import (
    Connections,
    RedisConnection,
    error_code,
    is_of_data,
)
from services.router.budgets.redis_url import RedisUrlError, parse_redis_url, read_redis_url
from services.router.budgets.settler import Settler, UncountableError
from services.router.budgets.store import Admission, Hold, Refusal, Settlement, TenantUsage
from services.router.types.amounts import Amount, Window
from services.rpc.telemetry import BREAKER_OPEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Sequence

    from services.router.types.amounts import TenantLimits
    from services.rpc.breaker import Breaker

STORE_OPEN_S = 2.0
"""Time until the store is tried again. Less than for a dependency with a substitute: until then every
call of a tenant with limits is refused, and a trial harms none of them."""
_SCRIPT = files("services.router.budgets").joinpath("budget.lua").read_text(encoding="utf-8")
_DEPENDENCY = "budget_store"
_NO_LIMIT = -1
_log = structlog.get_logger()


@asynccontextmanager
async def open_redis_store(
    url: str | Path, *, timeout_s: float, breaker: Breaker
) -> AsyncIterator[RedisStore]:
    """Opens a store; Redis may still be down.

    Args:
        url: The URL, or the file that holds it, which is read again after every failure of Redis.
        timeout_s: The longest that a reservation may wait for Redis.
        breaker: Stops calls to a Redis that keeps failing.

    Raises:
        RedisUrlError: The URL cannot be used, or leads to a Redis Cluster that it does not call one.
    """
    read_url = (
        partial(read_redis_url, url) if isinstance(url, Path) else partial(parse_redis_url, url)
    )
    async with aclosing(RedisConnection(read_url, _SCRIPT, timeout_s=timeout_s)) as connection:
        store = RedisStore(connection, breaker)
        if not connection.is_cluster:
            await store.refuse_cluster()
        async with store.settler.running(close_timeout_s=2 * timeout_s + breaker.open_s):
            yield store


class RedisStore:
    """A `BudgetStore` that routers share."""

    def __init__(self, connection: RedisConnection, breaker: Breaker) -> None:
        self._connection = connection
        self._breaker = breaker
        self._primary = ""
        """The id of the primary that counted the last settlements."""
        self.settler = Settler(self._send)
        BREAKER_OPEN.labels(_DEPENDENCY).set(0)

    async def refuse_cluster(self) -> None:
        """Checks that a server that stands for itself is no Cluster, if it can be asked now.

        Raises:
            RedisUrlError: It is one.
        """
        try:
            info = await self._connection.call(lambda used: used.redis.info("cluster"))
        except Exception as error:  # noqa: BLE001  # the first call shows what is wrong
            _log.warning("budget_store_failed", operation="info", **_shown(error))
            return
        if info.get("cluster_enabled"):
            raise RedisUrlError(
                "this is a Redis Cluster, whose URL must begin with redis+cluster:// or "
                "rediss+cluster://"
            )

    async def reserve(
        self, tenant_id: str, limits: TenantLimits, holds: Sequence[Hold], lease_ms: int
    ) -> Admission:
        """Makes as many of the holds as fit; see `BudgetStore`."""
        asked = [part for hold in holds for part in (hold.id, *hold.amount.parts(), hold.answers)]
        try:
            made, at_ms, limit, resets_at_ms, retry_after_ms = await self._call(
                tenant_id, "reserve", lease_ms, *_limits(limits), *asked
            )
        except BaseException as error:  # cancelled too
            if _may_be_made(error):
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
        """Replaces a hold by the amount used, in the background; see `BudgetStore`."""
        self.settler.add(settlement)

    async def usage(self, tenant_id: str) -> TenantUsage:
        """Returns a tenant's counts; see `BudgetStore`."""
        answers, *numbers = [int(text) for text in await self._call(tenant_id, "usage")]
        amounts = [Amount(*numbers[at : at + 3]) for at in range(0, len(numbers), 3)]
        return TenantUsage(
            answers=answers,
            held=amounts[0],
            windows=dict(zip(Window, amounts[1:], strict=True)),
        )

    async def _send(self, tenant_id: str, settlements: Sequence[Settlement]) -> str:
        said = [part for s in settlements for part in (s.hold_id, s.at_ms, *s.used.parts())]
        try:
            (reply,) = await self._call(tenant_id, "settle", *said)
        except BudgetStoreUnavailableError as error:
            if is_of_data(error.__cause__):
                raise UncountableError from error
            raise
        primary = str(reply.decode())
        if self._primary not in {"", primary} and not self._connection.is_cluster:
            await self._connection.replace()  # those that still lead to the former primary
        self._primary = primary
        return primary

    async def _call(self, tenant_id: str, operation: str, *arguments: str | int) -> list[Any]:
        if not self._breaker.allows():
            raise self._unavailable()
        keys = [f"routemoa:{{{tenant_id}}}:{name}" for name in ("state", "leases", "holds")]

        def run_script(used: Connections) -> Awaitable[list[Any]]:
            return used.script(keys=keys, args=[operation, *arguments])

        try:
            reply = await self._connection.call(run_script)
        except Exception as error:
            # Whatever the library raises is a failure of the store, or the settlements would end here.
            if is_of_data(error):
                self._breaker.succeeded()
            else:
                self._breaker.failed()
            BREAKER_OPEN.labels(_DEPENDENCY).set(self._breaker.is_open)
            STORE_FAILURES.inc()
            _log.warning("budget_store_failed", operation=operation, **_shown(error))
            raise self._unavailable() from error
        self._breaker.succeeded()
        BREAKER_OPEN.labels(_DEPENDENCY).set(0)
        return reply

    def _unavailable(self) -> BudgetStoreUnavailableError:
        return BudgetStoreUnavailableError(
            "the budgets cannot be read now", retry_delay_s=self._breaker.open_s
        )


def _limits(limits: TenantLimits) -> list[int]:
    caps = [limits.concurrent_answers]
    for window in Window:
        of_window = limits.windows.get(window)
        caps += [None] * 3 if of_window is None else of_window.parts()
    return [_NO_LIMIT if cap is None else cap for cap in caps]


def _optional(number: bytes) -> int | None:
    return None if int(number) < 0 else int(number)


def _may_be_made(error: BaseException) -> bool:
    """Returns whether holds may have been made although their reservation failed."""
    if not isinstance(error, BudgetStoreUnavailableError):
        return True
    # Without a cause, nothing was sent; and a script that Redis refuses changes nothing.
    return error.__cause__ is not None and not error_code(error.__cause__)


def _shown(error: Exception) -> dict[str, str]:
    cause = error.__cause__ or error.__context__
    return {
        "error": type(error).__name__,
        "cause": "" if cause is None else type(cause).__name__,
        "code": error_code(error),
    }
