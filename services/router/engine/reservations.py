"""Reserves room in the account of a run; no call starts without a reservation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.budgets.reservation import NoRoomError
from services.router.routing.candidates import StopReason
from services.router.routing.selection import STOP_REASONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.backends.call import ModelCall
    from services.router.engine.run import Run


async def reserve(run: Run, calls: Sequence[ModelCall]) -> tuple[int, StopReason | None]:
    """Reserves room for calls that start together, each at its worst case.

    Returns:
        The number of calls that have room, the first ones first; and the limit that leaves no room, if
        none has.

    Raises:
        BudgetExhaustedError: The tenant's budget has no room, and nothing was called before.
        BudgetStoreUnavailableError: The budget cannot be read, and nothing was called before.
        NoEligibleModelError: The policy's limits leave no room, and nothing was called before.
    """
    try:
        reservations = await run.account.reserve([call.worst for call in calls])
    except NoRoomError as error:
        if not run.ledger.entries:
            raise error.error from error
        return 0, STOP_REASONS.get(error.resource, StopReason.COST_LIMIT)
    for call, reservation in zip(calls, reservations, strict=False):  # only those that have room
        call.budget, call.reservation = run.account, reservation
    return len(reservations), None


async def reserve_extra(run: Run, call: ModelCall) -> bool:
    """Reserves room for an optional call; returns whether there was room."""
    try:
        (reservation,) = await run.account.reserve([call.worst])
    except NoRoomError:
        return False
    call.budget, call.reservation = run.account, reservation
    return True
