"""The interface for reserving: without a reservation there is no attempt at a call.

Calls that start together are reserved together (`Budget.reserve`), which gives each its reservation.
Every further attempt at a call, a retry or a hedge, is reserved by itself first:

    reservation = await call.budget.reserve_one(call.worst)   # NoRoomError: no attempt is made
    try:
        ...
    finally:
        reservation.settle(entry.used)   # even if cancelled; releases the rest
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routemoa.errors import RouteMoAError
    from services.router.types.amounts import Amount


class NoRoomError(Exception):
    """Raised for a reservation that could not be made.

    Args:
        error: The error for the caller, if nothing was called yet.
        resource: The resource without room: `calls`, `tokens`, `usd`; empty if it is unknown.
    """

    def __init__(self, error: RouteMoAError, resource: str = "") -> None:
        super().__init__(error.message)
        self.error = error
        self.resource = resource


class Reservation(Protocol):
    """Room for one attempt, held until it is settled."""

    def settle(self, used: Amount) -> None:
        """Records the amount used and releases the rest. Never waits, never fails; once is enough."""
        ...


class Budget(Protocol):
    """Reserves for attempts at calls before they are made."""

    async def reserve(self, worst: Sequence[Amount]) -> Sequence[Reservation]:
        """Reserves for as many attempts as fit, in order; at least for one.

        Args:
            worst: The most that each attempt can use.

        Raises:
            NoRoomError: There is no room for the first attempt, or the budget cannot be read.
        """
        ...

    async def reserve_one(self, worst: Amount) -> Reservation:
        """Reserves for an attempt that uses at most `worst`.

        Raises:
            NoRoomError: There is no room, or the budget cannot be read.
        """
        ...

    def close(self) -> None:
        """Releases all open reservations. No other method is called after it."""
        ...


class Unlimited:
    """A budget without limits, which records nothing; also its own reservation."""

    async def reserve(self, worst: Sequence[Amount]) -> Sequence[Reservation]:
        """Returns a reservation for each attempt."""
        return [self] * len(worst)

    async def reserve_one(self, worst: Amount) -> Reservation:  # noqa: ARG002  # of the interface
        """Returns a reservation."""
        return self

    def settle(self, used: Amount) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


UNLIMITED = Unlimited()
