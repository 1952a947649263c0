"""What calls together leave room for: worst cases against what an answer may still take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.routing.ranking import StopReason
from services.router.types.amounts import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.types.amounts import Amount
    from services.router.types.resource_limits import Caps

STOP_REASONS = {
    "calls": StopReason.CALL_LIMIT,
    "tokens": StopReason.TOKEN_LIMIT,
    "usd": StopReason.COST_LIMIT,
}
"""By the resource that there is too little of."""


def lack(left: Caps, worst: Amount) -> StopReason | None:
    """Names the limit that leaves no room for a call, if one does.

    Args:
        left: What may still be taken.
        worst: What the call takes at most.
    """
    resource = left.refused_resource(NOTHING, worst)
    return None if resource is None else STOP_REASONS[resource]


def fitting(worst_cases: Sequence[Amount], left: Caps) -> tuple[tuple[int, ...], StopReason]:
    """Returns which calls fit together, the first ones first, and what the first that does not lacks.

    A call that does not fit is left out; a smaller one after it may still fit.
    """
    kept: list[int] = []
    reasons: list[StopReason] = []
    for number, worst in enumerate(worst_cases):
        reason = lack(left, worst)
        if reason is not None:
            reasons.append(reason)
            continue
        kept.append(number)
        left = left.less(worst)
    return tuple(kept), reasons[0] if reasons else StopReason.NO_MODEL
