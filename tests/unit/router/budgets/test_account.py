"""One answer's account: caps, the tenant's budget, and what is given back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from routemoa.errors import BudgetExhaustedError, BudgetStoreUnavailableError, NoEligibleModelError
from services.router.budgets import metrics
from services.router.budgets.account import Account
from services.router.budgets.memory_store import MemoryStore
from services.router.budgets.reservation import NoRoomError
from services.router.budgets.tenants import ANONYMOUS, Allowance, Tenant
from services.router.types.amounts import NOTHING, Amount, Caps, Window, nano_usd
from services.router.types.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.budgets.store import Admission, Hold, Settlement
    from services.router.types.amounts import TenantLimits

NOW_MS = 1_800_000_000_000  # 08:00:00 in UTC
WORST = Amount(1, 100, nano_usd(0.01))


class DownStore(MemoryStore):
    async def reserve(self, *_: object) -> None:  # type: ignore[override]
        raise BudgetStoreUnavailableError("down", retry_delay_s=1.0)


class SlowStore(MemoryStore):
    async def reserve(self, *_: object) -> None:  # type: ignore[override]
        await asyncio.Event().wait()


def memory() -> MemoryStore:
    return MemoryStore(lambda: NOW_MS)


def account(
    store: MemoryStore | None = None, tenant: Tenant = ANONYMOUS, caps: Caps | None = None
) -> Account:
    return Account(
        tenant=tenant,
        caps=caps or Caps(),
        store=store or memory(),
        deadline=Deadline.after(10),
        lease_margin_s=30,
    )


async def test_as_many_calls_are_reserved_as_the_caps_have_room_for() -> None:
    of_run = account(caps=Caps(calls=2, tokens=1_000, nano_usd=nano_usd(1)))
    first = await of_run.reserve([WORST] * 3)
    assert len(first) == 2
    assert of_run.left == Caps(calls=0, tokens=800, nano_usd=nano_usd(1) - 2 * WORST.nano_usd)
    with pytest.raises(NoRoomError) as raised:
        await of_run.reserve_one(WORST)
    assert raised.value.resource == "calls"
    assert isinstance(raised.value.error, NoEligibleModelError)
    assert raised.value.error.metadata == {"max_call_count": "2", "worst_case": "1"}


@pytest.mark.parametrize(
    ("caps", "metadata"),
    [
        (Caps(nano_usd=nano_usd(0.005)), {"max_cost_usd": "0.005", "worst_case": "0.01"}),
        (Caps(tokens=0), {"max_token_count": "0", "worst_case": "100"}),
    ],
)
async def test_a_policy_without_room_is_told_its_limit_and_what_a_call_could_take(
    caps: Caps, metadata: dict[str, str]
) -> None:
    with pytest.raises(NoRoomError) as raised:
        await account(caps=caps).reserve([WORST])
    assert isinstance(raised.value.error, NoEligibleModelError)
    assert raised.value.error.metadata == metadata


async def test_calls_for_which_the_tenant_has_no_room_take_nothing_of_the_policys() -> None:
    tenant = Tenant(id="t", per_day=Allowance(calls=1))
    of_run = account(tenant=tenant, caps=Caps(calls=5))
    assert len(await of_run.reserve([WORST] * 3)) == 1
    assert of_run.left.calls == 4


async def test_what_is_held_and_spent_and_refused_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "_meters", {})  # only the first hundred tenants are told apart

    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"tenant": "metered", **labels}) or 0.0

    of_run = account(tenant=Tenant(id="metered", per_day=Allowance(calls=1)))
    (reservation,) = await of_run.reserve([WORST])
    held, spent = (f"routemoa_router_budget_{name}" for name in ("reserved_count", "spent_total"))
    assert value(held, resource="tokens") == 100
    reservation.settle(Amount(1, 40, nano_usd(0.005)))
    assert value(held, resource="tokens") == 0
    assert value(spent, resource="calls") == 1
    assert value(spent, resource="tokens") == 40
    assert value(spent, resource="usd") == pytest.approx(0.005)
    with pytest.raises(NoRoomError):
        await of_run.reserve([WORST])
    assert value("routemoa_router_budget_refusals_total", limit="per_day.calls") == 1


async def test_a_router_that_vanishes_holds_its_tenants_budget_only_for_the_answer_and_a_margin() -> (
    None
):
    leases_ms = []

    class LeaseStore(MemoryStore):
        async def reserve(
            self, tenant_id: str, limits: TenantLimits, holds: Sequence[Hold], lease_ms: int
        ) -> Admission:
            leases_ms.append(lease_ms)
            return await super().reserve(tenant_id, limits, holds, lease_ms)

    store = LeaseStore(lambda: NOW_MS)
    await account(store, Tenant(id="t", per_day=Allowance(calls=1))).reserve([WORST])
    (lease_ms,) = leases_ms
    assert 35_000 < lease_ms <= 40_000  # ten seconds for the answer, thirty of margin


async def test_an_answer_that_is_closed_twice_gives_its_place_back_once() -> None:
    settled = []

    class SettledStore(MemoryStore):
        def settle(self, settlement: Settlement) -> None:
            settled.append(settlement)

    of_run = account(SettledStore(lambda: NOW_MS), Tenant(id="t", concurrent_answers=1))
    (reservation,) = await of_run.reserve([WORST])
    reservation.settle(WORST)
    of_run.close()
    of_run.close()
    assert len(settled) == 2


async def test_what_a_call_did_not_use_may_be_used_by_the_next() -> None:
    of_run = account(caps=Caps(tokens=150))
    (reservation,) = await of_run.reserve([WORST])
    with pytest.raises(NoRoomError):
        await of_run.reserve_one(WORST)
    reservation.settle(Amount(1, 50, 0))
    reservation.settle(Amount(1, 50, 0))  # the second time nothing happens
    assert of_run.left.tokens == 100
    assert await of_run.reserve_one(WORST)


async def test_a_tenant_without_room_is_told_which_limit_and_until_when() -> None:
    store = memory()
    tenant = Tenant(id="t", per_day=Allowance(usd=0.015), per_minute=Allowance(calls=100))
    of_run = account(store, tenant)
    (reservation,) = await of_run.reserve([WORST, WORST])
    with pytest.raises(NoRoomError) as raised:
        await account(store, tenant).reserve([WORST])
    assert raised.value.error.retry_delay_s == 1.0  # the first one's reservation is in the way
    reservation.settle(WORST)
    with pytest.raises(NoRoomError) as raised:
        await account(store, tenant).reserve([WORST])
    error = raised.value.error
    assert isinstance(error, BudgetExhaustedError)
    assert error.metadata == {
        "tenant": "t",
        "limit": "per_day.usd",
        "resets_at": "2027-01-16T00:00:00Z",
    }
    assert error.retry_delay_s == 16 * 3600
    assert raised.value.resource == "usd"


async def test_a_call_that_no_window_has_room_for_is_not_worth_another_try() -> None:
    tenant = Tenant(id="t", per_minute=Allowance(tokens=99))
    with pytest.raises(NoRoomError) as raised:
        await account(tenant=tenant).reserve([WORST])
    assert raised.value.error.retry_delay_s is None


async def test_an_answer_counts_as_concurrent_until_it_is_closed() -> None:
    store = memory()
    tenant = Tenant(id="t", concurrent_answers=1)
    first, second = account(store, tenant), account(store, tenant)
    (reservation,) = await first.reserve([WORST])
    reservation.settle(WORST)
    assert await first.reserve([WORST])  # it does not count against itself
    with pytest.raises(NoRoomError) as raised:
        await second.reserve([WORST])
    assert raised.value.error.metadata["limit"] == "concurrent_answers"
    first.close()
    assert await second.reserve([WORST])


async def test_closing_gives_back_what_was_never_sent() -> None:
    store = memory()
    tenant = Tenant(id="t", per_day=Allowance(calls=3))
    of_run = account(store, tenant)
    reserved = await of_run.reserve([WORST] * 3)
    reserved[0].settle(Amount(1, 10, 5))
    of_run.close()
    usage = await store.usage("t")
    assert usage.windows[Window.PER_DAY] == Amount(1, 10, 5)
    assert (usage.held, usage.answers) == (NOTHING, 0)


async def test_a_store_that_is_down_refuses_whoever_has_limits_and_nobody_else() -> None:
    limited = Tenant(id="t", per_day=Allowance(calls=3))
    of_run = account(DownStore(), limited, Caps(calls=5))
    with pytest.raises(NoRoomError) as raised:
        await of_run.reserve([WORST])
    assert isinstance(raised.value.error, BudgetStoreUnavailableError)
    assert of_run.left.calls == 5
    assert await account(DownStore()).reserve([WORST])


async def test_a_caller_that_goes_away_while_the_store_is_asked_keeps_nothing() -> None:
    limited = Tenant(id="t", per_day=Allowance(calls=3))
    of_run = account(SlowStore(), limited, Caps(calls=5))
    asked = asyncio.create_task(of_run.reserve([WORST]))
    await asyncio.sleep(0)
    assert of_run.left.calls == 4
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert of_run.left.calls == 5


PARTS = st.integers(0, 50)
AMOUNTS = st.builds(Amount, PARTS, PARTS, PARTS)
ATTEMPTS = st.lists(st.lists(st.tuples(AMOUNTS, st.booleans()), min_size=1, max_size=4), max_size=8)
LIMITS = st.none() | st.integers(0, 120)


@given(st.builds(Caps, calls=LIMITS, tokens=LIMITS, nano_usd=LIMITS), ATTEMPTS)
async def test_no_order_of_attempts_takes_more_than_the_caps(
    caps: Caps, layers: list[list[tuple[Amount, bool]]]
) -> None:
    of_run, taken = account(caps=caps), NOTHING
    for layer in layers:
        try:
            reserved = await of_run.reserve([worst for worst, _ in layer])
        except NoRoomError:
            continue
        for reservation, (worst, is_settled) in zip(reserved, layer, strict=False):
            taken += worst
            if is_settled:  # at half of what it might have used
                used = Amount(*(part // 2 for part in worst.parts()))
                reservation.settle(used)
                taken += used - worst
        for cap, part in zip(caps.parts(), taken.parts(), strict=True):
            assert cap is None or part <= cap
