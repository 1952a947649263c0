"""Both stores, driven at random, against a list of everything that happened."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from services.router.budgets import redis_store
from services.router.budgets.memory_store import MemoryStore
from services.router.budgets.store import BudgetStore, Hold, Settlement
from services.router.types.amounts import NOTHING, Amount, Caps, TenantLimits, Window
from tests.redis_server import running_redis
from tests.unit.router.budgets.conftest import CLOCK_KEY, opened

if TYPE_CHECKING:
    from collections.abc import Callable

START_MS = 1_800_000_000_000
TENANTS = ("a", "b")
AMOUNTS = st.builds(Amount, st.integers(0, 2), st.integers(0, 400), st.integers(0, 10**13))
CAPS = st.builds(
    Caps,
    calls=st.none() | st.integers(0, 6),
    tokens=st.none() | st.integers(0, 1_000),
    nano_usd=st.none() | st.integers(0, 3 * 10**13),
)
LIMITS = st.builds(
    TenantLimits,
    concurrent_answers=st.none() | st.integers(1, 3),
    windows=st.dictionaries(st.sampled_from(Window), CAPS),
)


@dataclass
class Happened:
    """One hold and what became of it."""

    tenant: str
    hold: Hold
    at_ms: int
    ends_ms: int
    used: Amount | None = None
    """None while it is not settled."""
    ended: bool = False
    """Whether its lease ended before it was settled."""

    @property
    def open(self) -> bool:
        return self.used is None and not self.ended

    @property
    def counted(self) -> Amount:
        if self.used is not None:
            return self.used
        return NOTHING if self.ended else self.hold.amount


@dataclass
class History:
    """The truth: everything that happened, summed up anew for each question."""

    now_ms: dict[str, int] = field(default_factory=dict)
    holds: list[Happened] = field(default_factory=list)

    def look(self, tenant: str, clock_ms: int) -> None:
        now_ms = self.now_ms[tenant] = max(self.now_ms.get(tenant, 0), clock_ms)
        for happened in self.holds:
            if happened.tenant == tenant and happened.open and happened.ends_ms <= now_ms:
                happened.ended = True

    def in_window(self, tenant: str, window: Window) -> Amount:
        start_ms = window.start_ms(self.now_ms[tenant])
        return sum(
            (
                happened.counted
                for happened in self.holds
                if happened.tenant == tenant and window.start_ms(happened.at_ms) == start_ms
            ),
            NOTHING,
        )

    def open_of(self, tenant: str) -> list[Happened]:
        return [happened for happened in self.holds if happened.tenant == tenant and happened.open]

    def refused_limits(self, tenant: str, limits: TenantLimits, hold: Hold) -> set[str]:
        """Names every limit that a hold would break."""
        names = set()
        for window, caps in limits.windows.items():
            counted = self.in_window(tenant, window).parts()
            for resource, cap, taken, more in zip(
                ("calls", "tokens", "usd"), caps.parts(), counted, hold.amount.parts(), strict=True
            ):
                if cap is not None and more and taken + more > cap:
                    names.add(f"{window.key}.{resource}")
        answers = sum(happened.hold.answers for happened in self.open_of(tenant))
        most = limits.concurrent_answers
        if hold.answers and most is not None and answers + hold.answers > most:
            names.add("concurrent_answers")
        return names


class StoreMachine(RuleBasedStateMachine):
    """Reserves, settles, moves the clock; the store must say what the history says."""

    open_store: Callable[[AsyncExitStack, StoreMachine], BudgetStore]
    set_clock: Callable[[int], None] = staticmethod(lambda _: None)
    made = Bundle("made")

    @initialize()
    def start(self) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.clock_ms = START_MS
        self.history = History()
        self.count = 0
        self.set_clock(self.clock_ms)
        self.store = self.runner.run(self._open())

    async def _open(self) -> BudgetStore:
        return type(self).open_store(self.stack, self)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.stack.aclose())
            self.runner.close()

    @rule(
        target=made,
        tenant=st.sampled_from(TENANTS),
        limits=LIMITS,
        asked=st.lists(st.tuples(AMOUNTS, st.integers(0, 1)), min_size=1, max_size=4),
        lease_ms=st.integers(1, 200_000),
    )
    def reserve(
        self, tenant: str, limits: TenantLimits, asked: list[tuple[Amount, int]], lease_ms: int
    ) -> object:
        holds = []
        for amount, answers in asked:
            self.count += 1
            holds.append(Hold(id=str(self.count), amount=amount, answers=answers))
        admission = self.runner.run(self.store.reserve(tenant, limits, holds, lease_ms))
        self.history.look(tenant, self.clock_ms)
        assert admission.at_ms == self.history.now_ms[tenant]
        new = []
        for hold in holds[: admission.count]:
            assert self.history.refused_limits(tenant, limits, hold) == set()
            happened = Happened(tenant, hold, admission.at_ms, admission.at_ms + lease_ms)
            self.history.holds.append(happened)
            new.append(happened)
        if admission.count < len(holds):
            assert admission.refusal is not None
            refused = self.history.refused_limits(tenant, limits, holds[admission.count])
            assert admission.refusal.limit in refused
        else:
            assert admission.refusal is None
        return multiple(*new)

    @rule(happened=made, used=AMOUNTS, within=st.booleans())
    def settle(self, happened: Happened, used: Amount, within: bool) -> None:
        if happened.used is not None:
            return
        if within:  # as it should be; else the backend used more than it was allowed
            pairs = zip(used.parts(), happened.hold.amount.parts(), strict=True)
            used = Amount(*(min(pair) for pair in pairs))
        self.history.look(happened.tenant, self.clock_ms)
        happened.used = used
        self.store.settle(
            Settlement(
                tenant_id=happened.tenant, hold_id=happened.hold.id, at_ms=happened.at_ms, used=used
            )
        )
        self.runner.run(self._settled())

    async def _settled(self) -> None:
        if isinstance(self.store, redis_store.RedisStore):
            async with asyncio.timeout(60):
                await self.store.settler.empty()

    @rule(by_ms=st.sampled_from([1, 999, 60_000, 3_600_000, 86_400_000, -1, -61_000, -86_400_000]))
    def move_clock(self, by_ms: int) -> None:
        self.clock_ms += by_ms
        self.set_clock(self.clock_ms)

    @invariant()
    def counts_are_those_of_the_history(self) -> None:
        if not hasattr(self, "store"):
            return
        for tenant in TENANTS:
            usage = self.runner.run(self.store.usage(tenant))
            self.history.look(tenant, self.clock_ms)
            still_open = self.history.open_of(tenant)
            assert usage.answers == sum(happened.hold.answers for happened in still_open)
            assert usage.held == sum((happened.hold.amount for happened in still_open), NOTHING)
            assert usage.windows == {w: self.history.in_window(tenant, w) for w in Window}


def test_memory_counts_what_happened() -> None:
    def in_memory(_: AsyncExitStack, machine: StoreMachine) -> BudgetStore:
        return MemoryStore(lambda: machine.clock_ms)

    class Machine(StoreMachine):
        open_store = staticmethod(in_memory)

    run_state_machine_as_test(Machine, settings=settings(max_examples=60, deadline=None))


@pytest.mark.timeout(240)
def test_redis_counts_what_happened() -> None:
    asked = 'redis.call("TIME")'
    told = f'{{ redis.call("GET", "{CLOCK_KEY}") / 1000, 0 }}'
    assert asked in redis_store._SCRIPT
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(running_redis(Path(folder)))
        client = stack.enter_context(server.client())
        stack.enter_context(
            patch.object(redis_store, "_SCRIPT", redis_store._SCRIPT.replace(asked, told))
        )

        class Machine(StoreMachine):
            set_clock = staticmethod(lambda clock_ms: client.set(CLOCK_KEY, clock_ms))

            async def _open(self) -> BudgetStore:
                client.flushall()
                self.set_clock(self.clock_ms)
                return await self.stack.enter_async_context(opened(server))

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
            ),
        )
