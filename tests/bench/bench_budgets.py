"""Measures budgets: `python -m tests.bench.bench_budgets [--markdown FILE]`.

64 callers spend one tenant's budget as fast as they can until it refuses them for good. Beside the two
stores stands what routers without reservations do: look whether there is room, call, count afterwards.
Then the cost of an answer's bookkeeping, one caller, nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import random
import sys
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from services.router.budgets.account import Account
from services.router.budgets.memory_store import MemoryStore
from services.router.budgets.redis_store import open_redis_store
from services.router.budgets.reservation import NoRoomError
from services.router.budgets.tenants import Allowance, Tenant
from services.router.types.amounts import NOTHING, Amount, Caps, Window, nano_usd
from services.router.types.deadline import Deadline
from services.rpc.breaker import Breaker
from tests.bench.page_head import page_head
from tests.redis_server import RedisServer, running_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.router.budgets.store import BudgetStore

CALLERS = 64
SEEDS = (1, 2, 3, 4, 5)
PROMPT_TOKENS, REPLY_TOKENS = 400, 1_024
USD_PER_TOKEN = 1e-6
WORST = Amount(1, PROMPT_TOKENS + REPLY_TOKENS, nano_usd((PROMPT_TOKENS + REPLY_TOKENS) * 1e-6))
BUDGETS = (50, 200, 1_000)
"""In calls at their worst case."""
ROUTERS = 4
ANSWERS = 2_000
"""Of the measurement of costs."""

HEAD = page_head(
    "Budgets: overspending, and the cost of counting",
    f"How much of one budget do {CALLERS} concurrent callers spend?",
    f"""Command: `python -m tests.bench.bench_budgets`. Setting: {platform.machine()}, two shared cores,
    {CALLERS} callers, {len(SEEDS)} seeds. An answer makes one to four calls of at most
    {WORST.tokens:,} tokens. Most calls use half of that or less, and last up to 4 ms. A caller stops
    when the budget itself refuses it, not when only others' reservations do. *Counted after* checks
    whether anything is left, calls, and then counts what was used.""",
)
BOOKKEEPING = f"""\
What does counting cost per answer? An answer makes three calls: one reservation, three settlements,
and the release of its `concurrent_answers` slot. Medians of five runs of {ANSWERS:,} answers.
Settlements go to Redis in the background, so the answer waits for the reservation only; those of
answers that end together go together.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What one run spent of its budget."""

    budget_usd: float
    spent: Amount
    refusals: int

    @property
    def share(self) -> float:
        """Spent, as a share of the budget."""
        return self.spent.usd / self.budget_usd


def tenant_of(budget_calls: int) -> Tenant:
    """Returns a tenant with a day's budget in dollars."""
    return Tenant(id="bench", per_day=Allowance(usd=budget_calls * WORST.usd))


def open_account(tenant: Tenant, store: BudgetStore) -> Account:
    """Opens the account of an answer."""
    return Account(
        tenant=tenant, caps=Caps(), store=store, deadline=Deadline.after(60), lease_margin_s=30
    )


def used(chance: random.Random) -> Amount:
    """Draws what a call uses: often a few hundred tokens, sometimes all it may."""
    tokens = PROMPT_TOKENS + min(REPLY_TOKENS, round(chance.lognormvariate(5.5, 0.8)))
    return Amount(1, tokens, nano_usd(tokens * USD_PER_TOKEN))


async def reserving_caller(store: BudgetStore, tenant: Tenant, seed: int) -> Spending:
    """Answers with layers of one to four calls until the budget is spent."""
    chance = random.Random(seed)
    spent, refusals = NOTHING, 0
    while True:
        account = open_account(tenant, store)
        try:
            for reservation in await account.reserve([WORST] * chance.randint(1, 4)):
                await asyncio.sleep(chance.uniform(0, 0.004))
                amount = used(chance)
                reservation.settle(amount)
                spent += amount
        except NoRoomError as error:
            refusals += 1
            if error.error.retry_delay_s != 1.0:  # not only others' reservations
                return Spending(budget_usd=0, spent=spent, refusals=refusals)
            await asyncio.sleep(0.005)
        finally:
            account.close()


async def counting_caller(store: BudgetStore, tenant: Tenant, seed: int) -> Spending:
    """Looks whether anything is left, calls, and counts afterwards."""
    chance = random.Random(seed)
    spent = NOTHING
    limit = tenant.limits.windows[Window.PER_DAY].nano_usd or 0
    while (await store.usage(tenant.id)).windows[Window.PER_DAY].nano_usd < limit:
        account = open_account(Tenant(id=tenant.id, per_day=Allowance(calls=10**9)), store)
        for _ in range(chance.randint(1, 4)):
            await asyncio.sleep(chance.uniform(0, 0.004))
            amount = used(chance)
            (await account.reserve_one(NOTHING)).settle(amount)
            spent += amount
        account.close()
    return Spending(budget_usd=0, spent=spent, refusals=0)


@asynccontextmanager
async def stores(kind: str, server: RedisServer) -> AsyncIterator[list[BudgetStore]]:
    """Opens an empty store: one in memory, or those of several routers on one Redis."""
    async with AsyncExitStack() as stack:
        if kind == "memory":
            yield [MemoryStore()]
            return
        with server.client() as client:
            client.flushall()
        yield [
            await stack.enter_async_context(
                open_redis_store(server.url, timeout_s=10, breaker=Breaker())
            )
            for _ in range(ROUTERS)
        ]


async def spend(
    kind: str, server: RedisServer, *, reserve: bool, calls: int, seed: int
) -> Spending:
    """Has all callers spend one budget."""
    tenant = tenant_of(calls)
    caller = reserving_caller if reserve else counting_caller
    chance = random.Random(seed)
    async with stores(kind, server) as opened, asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(caller(opened[n % len(opened)], tenant, chance.getrandbits(32)))
            for n in range(CALLERS)
        ]
    return Spending(
        budget_usd=calls * WORST.usd,
        spent=sum((task.result().spent for task in tasks), NOTHING),
        refusals=sum(task.result().refusals for task in tasks),
    )


async def overspending(server: RedisServer) -> list[str]:
    """Returns the table of what 64 callers spend of one budget."""
    lines = [
        "| budget, worst-case calls | counts | median spent, % | least, % | most, % | overspent runs |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    for calls in BUDGETS:
        for kind, name, reserve in (
            ("memory", "memory, reserved before", True),
            ("redis", f"Redis, {ROUTERS} routers, reserved before", True),
            ("memory", "memory, counted after (no reservation)", False),
        ):
            shares = sorted(
                [
                    (await spend(kind, server, reserve=reserve, calls=calls, seed=seed)).share * 100
                    for seed in SEEDS
                ]
            )
            median = shares[len(shares) // 2]
            above = sum(share > 100 for share in shares)
            lines.append(
                f"| {calls:,} | {name} | {median:.1f} | {shares[0]:.1f} | {shares[-1]:.1f} | {above} |"
            )
    return lines


async def bookkeeping(
    kind: str, server: RedisServer, tenant: Tenant, callers: int
) -> tuple[float, float, float]:
    """Returns µs of CPU of the router, of Redis, and of waiting, per answer of three calls."""
    chance = random.Random(0)
    amounts = [[used(chance) for _ in range(3)] for _ in range(ANSWERS)]
    waited_s = 0.0

    async def caller(store: BudgetStore) -> None:
        nonlocal waited_s
        while amounts:
            spent = amounts.pop()
            account = open_account(tenant, store)
            started_s = time.perf_counter()
            reserved = await account.reserve([WORST] * 3)
            waited_s += time.perf_counter() - started_s
            for reservation, amount in zip(reserved, spent, strict=True):
                reservation.settle(amount)
            account.close()

    with server.client() as client:
        async with stores(kind, server) as opened:
            before = client.info("cpu")
            cpu_s = time.process_time()
            async with asyncio.TaskGroup() as group:
                for _ in range(callers):
                    group.create_task(caller(opened[0]))
        cpu_s = time.process_time() - cpu_s
        after = client.info("cpu")
    redis_s = sum(after[key] - before[key] for key in ("used_cpu_user", "used_cpu_sys"))
    return cpu_s / ANSWERS * 1e6, redis_s / ANSWERS * 1e6, waited_s / ANSWERS * 1e6


async def costs(server: RedisServer) -> list[str]:
    """Returns the table of what the bookkeeping costs."""
    lines = [
        "| counts | callers | router CPU, µs | Redis CPU, µs | wait before the layer, µs |",
        "|---|---:|---:|---:|---:|",
    ]
    limited = tenant_of(10**6)
    for name, kind, tenant, callers in (
        ("none: the tenant has no limits", "memory", Tenant(id="free"), 1),
        ("memory", "memory", limited, 1),
        ("Redis, Unix socket", "redis", limited, 1),
        ("Redis, Unix socket", "redis", limited, CALLERS),
    ):
        runs = [await bookkeeping(kind, server, tenant, callers) for _ in range(5)]
        cpu, redis, wait = (sorted(column)[len(runs) // 2] for column in zip(*runs, strict=True))
        shown = f"{redis:.0f}" if kind == "redis" else ""
        lines.append(f"| {name} | {callers} | {cpu:.0f} | {shown} | {wait:.0f} |")
    return lines


async def report() -> str:
    """Runs everything and returns the page."""
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as server:
        parts = [
            "\n".join(await overspending(server)) + "\n",
            BOOKKEEPING,
            "\n".join(await costs(server)) + "\n",
        ]
    return HEAD + "\n".join(parts)


def main() -> None:
    """Prints the page, and writes it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", type=Path, help="file to write")
    options = parser.parse_args()
    page = uvloop.run(report())
    sys.stdout.write(page)
    if options.markdown:
        options.markdown.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
