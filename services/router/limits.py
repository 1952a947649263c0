"""What an answer may still take: calls, dollars, tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.router.ranking import StopReason

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCase:
    """What a call takes at most: a reply of full length."""

    cost_usd: float
    tokens: int
    """Read and written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left; None means no limit."""

    calls: int
    cost_usd: float | None
    tokens: int | None

    def lack(self, worst: WorstCase) -> StopReason | None:
        """Names the limit that leaves no room for a call, if one does."""
        if self.calls < 1:
            return StopReason.CALL_LIMIT
        if self.cost_usd is not None and worst.cost_usd > self.cost_usd:
            return StopReason.COST_LIMIT
        if self.tokens is not None and worst.tokens > self.tokens:
            return StopReason.TOKEN_LIMIT
        return None

    def less(self, worst: WorstCase) -> Room:
        """Returns what a call leaves at least."""
        return replace(
            self,
            calls=self.calls - 1,
            cost_usd=None if self.cost_usd is None else self.cost_usd - worst.cost_usd,
            tokens=None if self.tokens is None else self.tokens - worst.tokens,
        )


def fitting(worst_cases: Sequence[WorstCase], room: Room) -> tuple[tuple[int, ...], StopReason]:
    """Returns which calls fit together, the first ones first, and what the first that does not lacks.

    A call that does not fit is left out; a smaller one after it may still fit.
    """
    kept: list[int] = []
    reasons: list[StopReason] = []
    for number, worst in enumerate(worst_cases):
        reason = room.lack(worst)
        if reason is not None:
            reasons.append(reason)
            continue
        kept.append(number)
        room = room.less(worst)
    return tuple(kept), reasons[0] if reasons else StopReason.NO_MODEL
