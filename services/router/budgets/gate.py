"""What stands between a call and its cost: no reservation, no attempt.

Calls that start together are reserved together (`Account.reserve`), which gives each its reservation.
Whoever makes a further attempt at a call, a retry or a hedge, asks the call's gate first:

    reservation = await call.gate.admit(worst)     # raises: the attempt is not made
    try:
        ...
    finally:
        reservation.settle(used_by(entry))         # cancelled or not; gives back what is left
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.router.budgets.amount import Amount


class Reservation(Protocol):
    """Room for one attempt, held until it is settled."""

    def settle(self, used: Amount) -> None:
        """Books what was used and gives back the rest. Never waits, never fails; once is enough."""
        ...


class Gate(Protocol):
    """Admits attempts one by one."""

    async def admit(self, worst: Amount) -> Reservation:
        """Reserves room for an attempt that takes at most `worst`.

        Raises:
            BudgetExhaustedError: There is no room.
            BudgetStoreUnavailableError: Nobody can say whether there is.
        """
        ...


class Unlimited:
    """Admits everything and books nothing: the gate of a call that no account stands behind."""

    async def admit(self, worst: Amount) -> Reservation:  # noqa: ARG002  # a gate takes the amount
        """Returns a reservation of nothing."""
        return self

    def settle(self, used: Amount) -> None:
        """Does nothing."""


UNLIMITED = Unlimited()
