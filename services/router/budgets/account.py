"""What one answer may spend: its policy's caps, and what is left of its tenant's budget.

Every call to a model is reserved at its worst case before it is made, together with those that start
with it, and settled at what it used, however it ends.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from routemoa.errors import BudgetExhaustedError, BudgetStoreUnavailableError, NoEligibleModelError
from services.router.budgets.metrics import REFUSALS, meter
from services.router.budgets.reservation import NoRoomError
from services.router.budgets.store import Hold, Settlement
from services.router.types.amounts import NOTHING, Amount
from services.router.types.resource_limits import RESOURCES, Caps

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
    """The account of one answer. It is closed when the answer ends, in whatever way.

    Args:
        tenant: Who pays.
        caps: What the policy allows the answer.
        store: Keeps the tenant's counts.
        deadline: When the answer ends at the latest.
        lease_margin_s: How long after that a hold stays if this router vanishes.
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
        """Used and reserved by this answer."""
        self._open: dict[str, _Reserved] = {}
        self._place: Settlement | None = None
        """Gives back the tenant's place for an answer, once it is taken."""

    @property
    def left(self) -> Caps:
        """What the policy's caps leave, reservations taken off."""
        return self._caps.less(self._taken)

    async def admit(self, worst: Amount) -> Reservation:
        """Reserves room for one attempt; see `Gate`."""
        return (await self.reserve([worst]))[0]

    async def reserve(self, worst: Sequence[Amount]) -> tuple[Reservation, ...]:
        """Reserves room for as many attempts as fit, in their order; at least for one.

        Args:
            worst: What each attempt takes at most.

        Raises:
            NoRoomError: There is no room for the first one, or the store does not answer.
        """
        holds = self._within_caps(worst)
        total = sum((hold.amount for hold in holds), NOTHING)
        self._taken += total  # before the store is asked, so that nothing else takes it meanwhile
        try:
            count, at_ms = await self._made(holds)
        except BaseException:
            self._taken -= total
            raise
        self._taken -= sum((hold.amount for hold in holds[count:]), NOTHING)
        reserved = tuple(_Reserved(self, hold, at_ms) for hold in holds[:count])
        for reservation in reserved:
            self._open[reservation.hold.id] = reservation
            self._meter.reserved(reservation.hold.amount)
        return reserved

    def settle(self, reservation: _Reserved, used: Amount) -> None:
        """Books what an attempt used; the second time nothing happens."""
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
        """Gives back what no attempt used, and the tenant's place for an answer."""
        for reservation in tuple(self._open.values()):
            self.settle(reservation, NOTHING)
        if self._place is not None:
            self._store.settle(self._place)
            self._place = None

    def _within_caps(self, worst: Sequence[Amount]) -> list[Hold]:
        taken = self._taken
        holds: list[Hold] = []
        for amount in worst:
            resource = self._caps.refused_resource(taken, amount)
            if resource is None:
                taken += amount
                holds.append(Hold(id=uuid4().hex, amount=amount))
            elif not holds:
                raise _no_room_in_policy(self._caps, amount, resource)
            else:
                break
        return holds

    async def _made(self, holds: Sequence[Hold]) -> tuple[int, int]:
        """Returns how many holds the tenant's budget has room for, and when they were made."""
        tenant = self._tenant
        if tenant.limits.are_none:
            return len(holds), 0
        places = [] if self._place else [Hold(id=uuid4().hex, answers=1)]
        lease_ms = round(1000 * (self._deadline.remaining_s() + self._lease_margin_s))
        try:
            admission = await self._store.reserve(
                tenant.id, tenant.limits, [*places, *holds], lease_ms
            )
        except BudgetStoreUnavailableError as error:
            raise NoRoomError(error) from error
        if places and admission.count:
            self._place = Settlement(
                tenant_id=tenant.id, hold_id=places[0].id, at_ms=admission.at_ms
            )
        count = admission.count - len(places)
        if admission.refusal is not None:
            limit = admission.refusal.limit
            REFUSALS.labels(self._meter.tenant, limit).inc()
            if count < 1:
                resource = limit.rpartition(".")[2]
                raise NoRoomError(_exhausted(tenant.id, admission.refusal), resource)
        return count, admission.at_ms


class _Reserved:
    """A `Reservation` of an account."""

    __slots__ = ("_account", "at_ms", "hold")

    def __init__(self, account: Account, hold: Hold, at_ms: int) -> None:
        self._account = account
        self.hold = hold
        self.at_ms = at_ms

    def settle(self, used: Amount) -> None:
        self._account.settle(self, used)


def _no_room_in_policy(caps: Caps, amount: Amount, resource: str) -> NoRoomError:
    field = _CAP_FIELDS[resource]
    at = RESOURCES.index(resource)
    scale = 1e-9 if resource == "usd" else 1
    cap, part = (caps.parts()[at] or 0) * scale, amount.parts()[at] * scale
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
