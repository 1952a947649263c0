"""A store whose Redis is replaced: nothing that was settled is lost, nothing counts twice."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from contextlib import ExitStack, aclosing, asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY

from routemoa.errors import BudgetStoreUnavailableError
from services.router.budgets.redis_connection import Connections, RedisConnection
from services.router.budgets.redis_store import STORE_OPEN_S, open_redis_store
from services.router.budgets.redis_url import parse_redis_url
from services.router.budgets.store import Hold, Settlement
from services.router.types.amounts import NOTHING, Amount, TenantLimits, Window
from services.rpc.breaker import Breaker
from tests.pace import pace
from tests.ports import free_port
from tests.redis_server import RedisServer, running_redis, running_sentinel
from tests.stable_name import StableName, stable_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from services.router.budgets.redis_store import RedisStore

LIMITS = TenantLimits(concurrent_answers=10_000, windows={})
HELD, USED = Amount(1, 100, 50), Amount(1, 7, 3)
PATIENCE_S = 60


@pytest.fixture
def pair() -> Iterator[tuple[RedisServer, RedisServer]]:
    """A primary and its replica."""
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(
                running_redis(
                    Path(stack.enter_context(tempfile.TemporaryDirectory())), port=free_port()
                )
            )
            for _ in range(2)
        )
        second.follow(first)
        first.wait_for_replica()
        yield first, second


@pytest.fixture
async def name(pair: tuple[RedisServer, RedisServer]) -> AsyncIterator[StableName]:
    """The name by which the store knows the primary."""
    async with stable_name(pair[0].port) as name:
        yield name


@asynccontextmanager
async def opened(
    url: str | Path, *, timeout_s: float = 5.0, open_s: float = 0.1
) -> AsyncIterator[RedisStore]:
    async with open_redis_store(url, timeout_s=timeout_s, breaker=Breaker(open_s=open_s)) as store:
        yield store


def url_of(name: StableName) -> str:
    return f"redis://127.0.0.1:{name.port}/0"


async def pay(store: RedisStore, hold_id: str, tenant: str = "t") -> None:
    """Reserves and settles one call."""
    admission = await store.reserve(tenant, LIMITS, [Hold(id=hold_id, amount=HELD)], 600_000)
    settle(store, hold_id, admission.at_ms, tenant)


def settle(store: RedisStore, hold_id: str, at_ms: int, tenant: str = "t") -> None:
    store.settle(Settlement(tenant_id=tenant, hold_id=hold_id, at_ms=at_ms, used=USED))


async def until_admitted(store: RedisStore) -> float:
    """Pays one call as soon as the store admits it again; returns the time that took."""
    started_s = time.monotonic()
    async with asyncio.timeout(PATIENCE_S):
        for number in count():
            try:
                await pay(store, f"again-{number}")
            except BudgetStoreUnavailableError:
                await asyncio.sleep(0.02)
            else:
                break
    return time.monotonic() - started_s


async def spent(store: RedisStore, tenant: str = "t") -> Amount:
    """Returns the day's spending once everything is settled."""
    async with asyncio.timeout(PATIENCE_S):
        await store.settler.empty()
        while True:
            try:
                usage = await store.usage(tenant)
            except BudgetStoreUnavailableError:
                await asyncio.sleep(0.02)
            else:
                assert (usage.held, usage.answers) == (NOTHING, 0)
                return usage.windows[Window.PER_DAY]


def calls(number: int) -> Amount:
    return Amount(*(number * part for part in USED.parts()))


def unsettled() -> float:
    return REGISTRY.get_sample_value("routemoa_router_budget_unsettled_total") or 0.0


async def test_calls_are_admitted_again_soon_after_the_name_leads_to_a_new_primary(
    pair: tuple[RedisServer, RedisServer], name: StableName
) -> None:
    old, new = pair
    async with opened(url_of(name), open_s=STORE_OPEN_S) as store:
        await asyncio.gather(*(pay(store, f"before-{number}") for number in range(3)))
        await spent(store)
        old.wait_for_replica()
        new.promote()
        old.follow(new)
        for number in range(5):  # past the breaker's limit
            with pytest.raises(BudgetStoreUnavailableError):
                await pay(store, f"during-{number}")
        name.target = new.port
        took_s = await until_admitted(store)
        assert took_s < 2 * STORE_OPEN_S
        assert await spent(store) == calls(4)
        assert name.open[old.port] == 0


async def test_no_settlement_under_load_is_lost_though_the_old_primary_kept_some_to_itself(
    pair: tuple[RedisServer, RedisServer], name: StableName
) -> None:
    old, new = pair
    before, paid, over = unsettled(), 0, asyncio.Event()

    async def caller(store: RedisStore, number: int) -> None:
        nonlocal paid
        turn = 0
        while not over.is_set():
            turn += 1
            try:
                await pay(store, f"{number}-{turn}")
            except BudgetStoreUnavailableError:
                await asyncio.sleep(0.02)
            else:
                paid += 1

    async def until_paid(number: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while paid < number:  # noqa: ASYNC110  # the callers count
                await asyncio.sleep(0.01)

    async with opened(url_of(name)) as store:
        callers = [asyncio.create_task(caller(store, number)) for number in range(8)]
        await until_paid(200)
        new.promote()  # what the old one counts from now on is lost with it
        await until_paid(paid + 200)
        old.follow(new)
        name.target = new.port
        await until_paid(paid + 200)
        over.set()
        await asyncio.gather(*callers)
        assert await spent(store) == calls(paid)
    assert unsettled() == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "silent"])
async def test_a_primary_that_is_gone_is_left_with_all_its_connections(
    pair: tuple[RedisServer, RedisServer], name: StableName, number: signal.Signals
) -> None:
    old, new = pair
    async with opened(url_of(name), timeout_s=2 * pace()) as store:
        await asyncio.gather(*(pay(store, f"before-{number}") for number in range(20)))
        await spent(store)
        old.wait_for_replica()
        old.send(number)
        try:
            with pytest.raises(BudgetStoreUnavailableError):
                await pay(store, "during")
            new.promote()
            name.target = new.port
            await until_admitted(store)
            assert await spent(store) == calls(21)
        finally:
            if number is signal.SIGSTOP:
                old.send(signal.SIGCONT)


@pytest.mark.parametrize(
    "reply",
    [
        "READONLY You can't write against a read only replica.",
        "LOADING Redis is loading the dataset in memory",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "MOVED 3999 127.0.0.1:6381",
        "CLUSTERDOWN The cluster is down",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "NOAUTH Authentication required.",
        "NOPERM User routemoa has no permissions to run the 'evalsha' command",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "MISCONF Redis is configured to save RDB snapshots",
        "NOREPLICAS Not enough good replicas to write.",
        "BUSY Redis is busy running a script.",
        "NOSCRIPT No matching script.",
        "ERR something that no version of Redis says today",
    ],
    ids=lambda reply: reply.partition(" ")[0],
)
async def test_whatever_a_server_refuses_with_settlements_wait_until_it_takes_them(
    redis_server: RedisServer, reply: str
) -> None:
    before, tenant = unsettled(), f"t-{reply.partition(' ')[0]}"
    async with stable_name(redis_server.port) as name, opened(url_of(name)) as store:
        await pay(store, f"{tenant}-first", tenant)
        admission = await store.reserve(
            tenant, LIMITS, [Hold(id=f"{tenant}-second", amount=HELD)], 600_000
        )
        await store.settler.empty()
        name.reply = f"-{reply}\r\n".encode()
        settle(store, f"{tenant}-second", admission.at_ms, tenant)
        with pytest.raises(BudgetStoreUnavailableError):
            await pay(store, f"{tenant}-refused", tenant)
        name.reply = None
        assert await spent(store, tenant) == calls(2)
    assert unsettled() == before


async def test_a_settlement_whose_reply_was_lost_counts_once(redis_server: RedisServer) -> None:
    async with (
        stable_name(redis_server.port) as name,
        opened(url_of(name), timeout_s=1.0) as store,
    ):
        admission = await store.reserve("lost", LIMITS, [Hold(id="lost", amount=HELD)], 100)
        holds = "routemoa:{lost}:holds"
        name.loses_replies = True
        settle(store, "lost", admission.at_ms, "lost")
        with redis_server.client() as client:
            async with asyncio.timeout(PATIENCE_S):
                while client.hget(holds, "lost") != b"-":  # noqa: ASYNC110  # Redis is asked
                    await asyncio.sleep(0.01)
            lease_ms = client.zscore("routemoa:{lost}:leases", "lost")
        assert isinstance(lease_ms, float)
        assert lease_ms > admission.at_ms + 300_000  # far longer than the hold's own lease
        name.loses_replies = False
        assert await spent(store, "lost") == USED


async def test_a_call_that_is_slow_among_others_leaves_them_their_connections(
    redis_server: RedisServer,
) -> None:
    seen: list[Connections] = []
    read_url = partial(parse_redis_url, redis_server.url)
    connection = RedisConnection(read_url, "return 1", timeout_s=2.0)

    async def ping(used: Connections) -> None:
        seen.append(used)
        await used.redis.ping()

    async def wait(used: Connections) -> None:
        await used.redis.blpop(["nothing"], timeout=60)

    async with aclosing(connection):
        slow = asyncio.create_task(connection.call(wait))
        while not slow.done():
            await connection.call(ping)
            await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError):
            await slow
        await connection.call(ping)
        assert seen[-1] is seen[0]
        with pytest.raises(TimeoutError):  # and alone, it does not
            await connection.call(wait)
        await connection.call(ping)
        assert seen[-1] is not seen[0]


async def test_calls_that_are_refused_while_the_server_is_down_leave_nothing_to_settle(
    redis_server: RedisServer,
) -> None:
    async with stable_name(redis_server.port) as name, opened(url_of(name), open_s=60) as store:
        name.reply = b"-LOADING Redis is loading the dataset in memory\r\n"
        for number in range(100):
            with pytest.raises(BudgetStoreUnavailableError):
                await pay(store, f"refused-{number}")
        assert name.count <= 5
        name.reply = None
        async with asyncio.timeout(1):
            await store.settler.empty()


async def test_data_of_one_tenant_that_cannot_be_used_refuse_no_other(
    redis_server: RedisServer,
) -> None:
    with redis_server.client() as client:
        client.set("routemoa:{broken}:state", "no counts")
    async with opened(redis_server.url, open_s=60) as store:
        for number in range(5):
            with pytest.raises(BudgetStoreUnavailableError):
                await pay(store, f"broken-{number}", "broken")
        await pay(store, "whole", "whole")
        assert await spent(store, "whole") == USED


async def test_a_hold_that_arrives_after_its_settlement_holds_nothing(
    redis_server: RedisServer,
) -> None:
    async with opened(redis_server.url) as store:
        store.settle(Settlement(tenant_id="late", hold_id="late", at_ms=0))
        await store.settler.empty()
        await store.reserve("late", LIMITS, [Hold(id="late", amount=HELD)], 600_000)
        assert await spent(store, "late") == NOTHING


@pytest.mark.timeout(180)
async def test_sentinels_lead_to_the_primary_and_to_the_one_after_it(
    pair: tuple[RedisServer, RedisServer], tmp_path: Path
) -> None:
    old, new = pair
    with running_sentinel(tmp_path, "counts", old.port) as port:
        url = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{port}/counts/0"
        async with opened(url) as store:
            await asyncio.gather(*(pay(store, f"before-{number}") for number in range(20)))
            await spent(store)
            old.wait_for_replica()
            old.kill()
            await until_admitted(store)
            assert await spent(store) == calls(21)
            with new.client() as client:
                assert client.info("replication")["role"] == "master"
