"""What is Redis's own: faults of the server, commands sent twice, routers that share it."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routemoa.errors import BudgetStoreUnavailableError
from services.router.budgets.store import Admission, Hold, Settlement
from services.router.types.amounts import NOTHING, Amount, Caps, TenantLimits, Window
from tests.redis_server import RedisServer, running_redis
from tests.unit.router.budgets.conftest import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from services.router.budgets.redis_store import RedisStore

LIMITS = TenantLimits(
    concurrent_answers=1_000, windows={Window.PER_DAY: Caps(calls=10, tokens=10_000)}
)
ONE = Amount(1, 100, 5)
LEASE_MS = 3_600_000


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A server that the test may harm."""
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as server:
        yield server


@pytest.fixture
async def store(server: RedisServer) -> AsyncIterator[RedisStore]:
    async with opened(server, timeout_s=1.0) as store:
        yield store


async def reserve(store: RedisStore, *names: str, lease_ms: int = LEASE_MS) -> Admission:
    holds = [Hold(id=name, amount=ONE) for name in names]
    return await store.reserve("t", LIMITS, holds, lease_ms)


def settlement(name: str, admission: Admission, used: Amount = ONE) -> Settlement:
    return Settlement(tenant_id="t", hold_id=name, at_ms=admission.at_ms, used=used)


async def settled(store: RedisStore) -> None:
    async with asyncio.timeout(60):
        await store.settler.empty()


async def until_up(store: RedisStore) -> None:
    """Waits until the store answers again; how soon depends on its breaker."""
    async with asyncio.timeout(60):
        while True:
            try:
                await store.usage("t")
            except BudgetStoreUnavailableError:
                await asyncio.sleep(0.02)
            else:
                return


async def test_a_dead_server_refuses_everything_with_a_time_to_retry(
    server: RedisServer, store: RedisStore
) -> None:
    await reserve(store, "before")
    server.kill()
    for number in range(5):  # past the breaker's limit, too
        with pytest.raises(BudgetStoreUnavailableError) as raised:
            await reserve(store, f"after-{number}")
        assert raised.value.retry_delay_s is not None
    server.start()
    await until_up(store)
    assert (await reserve(store, "again")).count == 1


async def test_what_was_used_before_a_crash_is_counted_once_the_server_is_back(
    server: RedisServer, store: RedisStore
) -> None:
    admission = await reserve(store, "a", "b")
    server.kill()
    store.settle(settlement("a", admission))
    store.settle(settlement("b", admission))
    server.start()
    await settled(store)
    usage = await store.usage("t")
    assert usage.windows[Window.PER_DAY] == ONE + ONE
    assert usage.held == NOTHING


async def test_a_stalled_server_refuses_in_time_and_holds_nothing_afterwards(
    server: RedisServer, store: RedisStore
) -> None:
    await reserve(store, "before")
    server.send(signal.SIGSTOP)
    try:
        with pytest.raises(BudgetStoreUnavailableError):
            await reserve(store, "during")
    finally:
        server.send(signal.SIGCONT)
    await settled(store)
    await until_up(store)
    usage = await store.usage("t")
    assert usage.windows[Window.PER_DAY] == ONE  # of `before`: the answer to `during` came too late
    assert (await reserve(store, "after")).count == 1  # and no reply was taken for another's


async def test_a_caller_that_goes_away_while_the_server_stalls_leaves_nothing_behind(
    server: RedisServer, store: RedisStore
) -> None:
    await reserve(store, "before")
    server.send(signal.SIGSTOP)
    try:
        asked = asyncio.create_task(reserve(store, "during"))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    finally:
        server.send(signal.SIGCONT)
    await settled(store)
    await until_up(store)
    assert (await store.usage("t")).windows[Window.PER_DAY] == ONE


async def test_flushed_counts_begin_anew_and_never_fall_below_zero(
    server: RedisServer, store: RedisStore
) -> None:
    admission = await reserve(store, "a", "b")
    with server.client() as client:
        client.flushall()
        client.script_flush()
    store.settle(settlement("a", admission, used=Amount(1, 40, 2)))
    store.settle(settlement("b", admission, used=NOTHING))
    await settled(store)
    usage = await store.usage("t")
    assert usage.windows[Window.PER_DAY] == Amount(1, 40, 2)
    assert (usage.held, usage.answers) == (NOTHING, 0)


async def test_a_settlement_that_is_sent_twice_counts_once(store: RedisStore) -> None:
    admission = await reserve(store, "a")
    for _ in range(2):
        store.settle(settlement("a", admission, used=Amount(1, 60, 3)))
    await settled(store)
    store.settle(settlement("a", admission, used=Amount(1, 60, 3)))
    await settled(store)
    assert (await store.usage("t")).windows[Window.PER_DAY] == Amount(1, 60, 3)


async def test_a_router_that_vanishes_gives_its_room_back_at_the_end_of_the_lease(
    server: RedisServer, store: RedisStore
) -> None:
    async with opened(server) as vanished:
        admission = await reserve(vanished, *(f"v-{n}" for n in range(10)), lease_ms=50)
        assert admission.count == 10
    assert (await reserve(store, "early")).count <= 1
    async with asyncio.timeout(60):
        while (await store.usage("t")).held.calls > 1:  # noqa: ASYNC110  # Redis's clock runs
            await asyncio.sleep(0.01)
    late = settlement("v-0", admission)
    store.settle(late)  # it was only slow: what it used still counts
    await settled(store)
    assert (await store.usage("t")).windows[Window.PER_DAY].calls in {1, 2}


async def test_an_error_of_the_server_refuses_and_stops_no_other_settlement(
    server: RedisServer, store: RedisStore
) -> None:
    with server.client() as client:
        client.set("routemoa:{bad}:state", "no counts")
    store.settle(Settlement(tenant_id="bad", hold_id="x", at_ms=0, used=ONE))
    admission = await reserve(store, "a")
    store.settle(settlement("a", admission))
    await settled(store)
    await until_up(store)
    assert (await store.usage("t")).held == NOTHING
    with pytest.raises(BudgetStoreUnavailableError):
        await store.usage("bad")


async def test_what_the_store_keeps_goes_away_by_itself(
    server: RedisServer, store: RedisStore
) -> None:
    admission = await reserve(store, "a")
    store.settle(settlement("a", admission))
    await settled(store)
    with server.client() as client:
        keys = client.keys("*")
        assert len(keys) == 3
        assert all(0 < client.ttl(key) <= 2 * 86_400 for key in keys)
        # A settled hold is remembered for ten minutes, not for the whole lease.
        (end_ms,) = [score for _, score in client.zrange(keys_of(keys), 0, -1, withscores=True)]
        assert admission.at_ms + 600_000 <= end_ms <= admission.at_ms + 660_000


def keys_of(keys: list[bytes]) -> bytes:
    return next(key for key in keys if key.endswith(b":leases"))


async def test_what_the_block_raises_comes_out_as_it_is(server: RedisServer) -> None:
    with pytest.raises(ZeroDivisionError):
        async with opened(server):
            raise ZeroDivisionError
