"""No call without a reservation: asked of the run's account for calls that start together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.budgets.reservation import NoRoomError
from services.router.routing.limits import STOP_REASONS
from services.router.routing.ranking import StopReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.backends.call import ModelCall
    from services.router.engine.run import Run


async def reserve(run: Run, calls: Sequence[ModelCall]) -> tuple[int, StopReason | None]:
    """Reserves for calls at their worst case, all at one moment.

    Returns:
        How many may be made, the first ones first; and which limit leaves no room, if none may.

    Raises:
        BudgetExhaustedError: The tenant's budget has no room, and nothing was called before.
        BudgetStoreUnavailableError: Nobody can say whether it has, and nothing was called before.
        NoEligibleModelError: The policy's limits leave no room, and nothing was called before.
    """
    try:
        reservations = await run.account.reserve([call.worst for call in calls])
    except NoRoomError as error:
        if not run.ledger.entries:
            raise error.error from error
        return 0, STOP_REASONS.get(error.resource, StopReason.COST_LIMIT)
    for call, reservation in zip(calls, reservations, strict=False):  # those that there is room for
        call.gate, call.reservation = run.account, reservation
    return len(reservations), None


async def reserve_extra(run: Run, call: ModelCall) -> bool:
    """Reserves for a call that can be left out; says whether there was room."""
    try:
        (reservation,) = await run.account.reserve([call.worst])
    except NoRoomError:
        return False
    call.gate, call.reservation = run.account, reservation
    return True
