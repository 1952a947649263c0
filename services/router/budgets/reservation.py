"""What stands between a call and its cost: no reservation, no attempt.

Calls that start together are reserved together (`Account.reserve`), which gives each its reservation.
Whoever makes a further attempt at a call, a retry or a hedge, asks the call's gate first:

    reservation = await call.gate.admit(call.worst)    # NoRoomError: the attempt is not made
    try:
        ...
    finally:
        reservation.settle(used_by(entry))             # cancelled or not; gives back what is left
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routemoa.errors import RouteMoAError
    from services.router.types.amounts import Amount


class NoRoomError(Exception):
    """A reservation that could not be made.

    Args:
        error: What to tell the caller, where nothing was called yet.
        resource: What there is too little of: `calls`, `tokens`, `usd`; empty if nobody can say.
    """

    def __init__(self, error: RouteMoAError, resource: str = "") -> None:
        super().__init__(error.message)
        self.error = error
        self.resource = resource


class Reservation(Protocol):
    """Room for one attempt, held until it is settled."""

    def settle(self, used: Amount) -> None:
        """Books what was used and gives back the rest. Never waits, never fails; once is enough."""
        ...


class Gate(Protocol):
    """Admits attempts, those that start together at one moment."""

    async def reserve(self, worst: Sequence[Amount]) -> Sequence[Reservation]:
        """Reserves room for as many attempts as fit, in their order; at least for one.

        Raises:
            NoRoomError: There is no room for the first, or nobody can say whether there is.
        """
        ...

    async def admit(self, worst: Amount) -> Reservation:
        """Reserves room for an attempt that takes at most `worst`.

        Raises:
            NoRoomError: There is no room, or nobody can say whether there is.
        """
        ...

    def close(self) -> None:
        """Gives back what no attempt used. Nothing is admitted after that."""
        ...


class Unlimited:
    """Admits everything and books nothing: the gate of a call that no account stands behind."""

    async def reserve(self, worst: Sequence[Amount]) -> Sequence[Reservation]:
        """Returns as many reservations of nothing."""
        return [self] * len(worst)

    async def admit(self, worst: Amount) -> Reservation:  # noqa: ARG002  # a gate takes the amount
        """Returns a reservation of nothing."""
        return self

    def settle(self, used: Amount) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


UNLIMITED = Unlimited()
