"""The account of one answer: its policy's caps and its tenant's budget.

Every call to a model is reserved at its worst case before it starts, together with the calls that start
with it. It is settled at the amount used, however it ends.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from routemoa.errors import BudgetExhaustedError, BudgetStoreUnavailableError, NoEligibleModelError
from services.router.budgets.metrics import REFUSALS, meter
from services.router.budgets.reservation import NoRoomError
from services.router.budgets.store import Hold, Settlement
from services.router.types.amounts import NOTHING, RESOURCES, Amount, Caps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.budgets.reservation import Reservation
    from services.router.budgets.store import BudgetStore, Refusal
    from services.router.budgets.tenants import Tenant
    from services.router.types.deadline import Deadline

_CAP_FIELDS = dict(
    zip(RESOURCES, ("max_call_count", "max_token_count", "max_cost_usd"), strict=True)
)


class Account:
    """The account of one answer; it is closed when the answer ends, however it ends.

    Args:
        tenant: The tenant that pays.
        caps: The policy's limits for the answer.
        store: Keeps the tenant's counts.
        deadline: The deadline of the answer.
        lease_margin_s: Time after the deadline until a hold expires by itself.
    """

    def __init__(
        self,
        *,
        tenant: Tenant,
        caps: Caps,
        store: BudgetStore,
        deadline: Deadline,
        lease_margin_s: float,
    ) -> None:
        self._tenant = tenant
        self._meter = meter(tenant.id)
        self._caps = caps
        self._store = store
        self._deadline = deadline
        self._lease_margin_s = lease_margin_s
        self._taken = NOTHING
        """The amount that this answer has used and reserved."""
        self._open: dict[str, _AccountReservation] = {}
        self._answer_hold: Settlement | None = None
        """Ends the hold for the answer itself; None before it is made."""

    @property
    def left(self) -> Caps:
        """The policy's caps, less the amounts used and reserved."""
        return self._caps.less(self._taken)

    async def reserve_one(self, worst: Amount) -> Reservation:
        """Reserves for one attempt; see `Budget`."""
        return (await self.reserve([worst]))[0]

    async def reserve(self, worst: Sequence[Amount]) -> tuple[Reservation, ...]:
        """Reserves for as many attempts as fit, in order; at least for one.

        Args:
            worst: The most that each attempt can use.

        Raises:
            NoRoomError: There is no room for the first attempt, or the store does not answer.
        """
        holds = self._within_caps(worst)
        total = sum([hold.amount for hold in holds], NOTHING)
        # Before the call to the store, so that nothing else takes it meanwhile.
        self._taken += total
        try:
            count, at_ms = await self._hold(holds)
        except BaseException:
            self._taken -= total
            raise
        if count < len(holds):
            self._taken -= sum([hold.amount for hold in holds[count:]], NOTHING)
        reserved = tuple(_AccountReservation(self, hold, at_ms) for hold in holds[:count])
        for reservation in reserved:
            self._open[reservation.hold.id] = reservation
            self._meter.reserved(reservation.hold.amount)
        return reserved

    def settle(self, reservation: _AccountReservation, used: Amount) -> None:
        """Records the amount that an attempt used; a second call has no effect."""
        hold = reservation.hold
        if self._open.pop(hold.id, None) is None:
            return
        self._taken += used - hold.amount
        self._meter.settled(held=hold.amount, used=used)
        if not self._tenant.limits.are_none:
            settlement = Settlement(
                tenant_id=self._tenant.id, hold_id=hold.id, at_ms=reservation.at_ms, used=used
            )
            self._store.settle(settlement)

    def close(self) -> None:
        """Releases all open reservations, and the hold for the answer itself."""
        for reservation in tuple(self._open.values()):
            self.settle(reservation, NOTHING)
        if self._answer_hold is not None:
            self._store.settle(self._answer_hold)
            self._answer_hold = None

    def _within_caps(self, worst: Sequence[Amount]) -> list[Hold]:
        taken = self._taken
        holds: list[Hold] = []
        for amount in worst:
            resource = self._caps.refused_resource(taken, amount)
            if resource is None:
                taken += amount
                holds.append(Hold(id=_new_id(), amount=amount))
            elif not holds:
                raise _no_room_in_policy(self._caps, amount, resource)
            else:
                break
        return holds

    async def _hold(self, holds: Sequence[Hold]) -> tuple[int, int]:
        """Makes the holds that fit the tenant's budget; returns their number and time."""
        tenant = self._tenant
        if tenant.limits.are_none:
            return len(holds), 0
        answer = [] if self._answer_hold else [Hold(id=_new_id(), answers=1)]
        lease_ms = round(1000 * (self._deadline.remaining_s() + self._lease_margin_s))
        try:
            admission = await self._store.reserve(
                tenant.id, tenant.limits, [*answer, *holds], lease_ms
            )
        except BudgetStoreUnavailableError as error:
            raise NoRoomError(error) from error
        if answer and admission.count:
            self._answer_hold = Settlement(
                tenant_id=tenant.id, hold_id=answer[0].id, at_ms=admission.at_ms
            )
        count = admission.count - len(answer)
        if admission.refusal is not None:
            limit = admission.refusal.limit
            REFUSALS.labels(self._meter.tenant, limit).inc()
            if count < 1:
                resource = limit.rpartition(".")[2]
                raise NoRoomError(_exhausted(tenant.id, admission.refusal), resource)
        return count, admission.at_ms


class _AccountReservation:
    """A `Reservation` of an account."""

    __slots__ = ("_account", "at_ms", "hold")

    def __init__(self, account: Account, hold: Hold, at_ms: int) -> None:
        self._account = account
        self.hold = hold
        self.at_ms = at_ms

    def settle(self, used: Amount) -> None:
        self._account.settle(self, used)


def _new_id() -> str:
    return f"{random.getrandbits(128):032x}"  # unique, not secret


def _no_room_in_policy(caps: Caps, amount: Amount, resource: str) -> NoRoomError:
    field = _CAP_FIELDS[resource]
    index = RESOURCES.index(resource)
    scale = 1e-9 if resource == "usd" else 1
    cap, part = (caps.parts()[index] or 0) * scale, amount.parts()[index] * scale
    return NoRoomError(
        NoEligibleModelError(
            f"the policy's {field} leaves no room for another call",
            {field: f"{cap:g}", "worst_case": f"{part:g}"},
        ),
        resource,
    )


def _exhausted(tenant_id: str, refusal: Refusal) -> BudgetExhaustedError:
    metadata = {"tenant": tenant_id, "limit": refusal.limit}
    if refusal.resets_at_ms is not None:
        resets_at = datetime.fromtimestamp(refusal.resets_at_ms / 1000, UTC)
        metadata["resets_at"] = resets_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    retry_after_ms = refusal.retry_after_ms
    return BudgetExhaustedError(
        f"the budget of {tenant_id} has no room for a call: {refusal.limit}",
        metadata,
        retry_delay_s=None if retry_after_ms is None else retry_after_ms / 1000,
    )
