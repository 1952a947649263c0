"""Many callers on one budget, through several stores on one Redis, or one store in memory."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from services.router.budgets.account import Account
from services.router.budgets.memory_store import MemoryStore
from services.router.budgets.reservation import NoRoomError
from services.router.budgets.tenants import Allowance, Tenant
from services.router.types.amounts import NOTHING, Amount, nano_usd
from services.router.types.deadline import Deadline
from services.router.types.resource_limits import Caps, Window
from tests.unit.router.budgets.conftest import opened

if TYPE_CHECKING:
    from services.router.budgets.store import BudgetStore
    from tests.redis_server import RedisServer

CALLERS = 64
WORST = Amount(1, 500, nano_usd(0.001))
TENANT = Tenant(id="t", per_day=Allowance(calls=2_000, tokens=300_000, usd=0.5))
DAY = TENANT.limits.windows[Window.PER_DAY]


async def caller(store: BudgetStore, chance: random.Random) -> Amount:
    """Answers until the budget is spent, sometimes going away; returns what that took."""
    spent = NOTHING
    while True:
        account = Account(
            tenant=TENANT,
            caps=Caps(),
            store=store,
            deadline=Deadline.after(60),
            lease_margin_s=30,
        )
        try:
            reserved = await account.reserve([WORST] * chance.randint(1, 4))
            for reservation in reserved:
                await asyncio.sleep(0)
                if chance.random() < 0.1:
                    continue  # cancelled before it was sent: closing gives it back
                tokens = chance.randint(0, WORST.tokens)
                used = Amount(1, tokens, tokens * WORST.nano_usd // WORST.tokens)
                reservation.settle(used)
                spent += used
        except NoRoomError as error:
            if error.error.retry_delay_s == 1.0:  # others hold the rest, perhaps for nothing
                await asyncio.sleep(0.001)
                continue
            return spent
        finally:
            account.close()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", ["memory", "redis"])
async def test_many_callers_spend_nearly_all_of_a_budget_and_never_more(
    kind: str, seed: int, request: pytest.FixtureRequest
) -> None:
    async with AsyncExitStack() as stack:
        if kind == "memory":
            stores: list[BudgetStore] = [MemoryStore()]
        else:
            server: RedisServer = request.getfixturevalue("redis_server")
            with server.client() as client:
                client.flushall()
            stores = [await stack.enter_async_context(opened(server)) for _ in range(3)]
        chance = random.Random(seed)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(caller(stores[n % len(stores)], random.Random(chance.random())))
                for n in range(CALLERS)
            ]
        spent = sum((task.result() for task in tasks), NOTHING)
    assert DAY.calls is not None
    assert DAY.tokens is not None
    assert DAY.nano_usd is not None
    assert spent.calls <= DAY.calls
    assert spent.tokens <= DAY.tokens
    assert spent.nano_usd <= DAY.nano_usd
    assert max(spent.tokens / DAY.tokens, spent.nano_usd / DAY.nano_usd) >= 0.95
