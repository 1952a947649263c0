"""Amounts of calls, tokens and dollars, and limits on them: for one answer and for a tenant."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RESOURCES = ("calls", "tokens", "usd")
"""The parts of an amount, as limits and metrics name them."""
CONCURRENT_ANSWERS = "concurrent_answers"
"""The name of the limit on answers at the same time."""
_NANO_PER_USD = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Amount:
    """Calls, tokens and dollars, all whole numbers, so that sums are exact."""

    calls: int = 0
    tokens: int = 0
    """Prompt and completion tokens together."""
    nano_usd: int = 0
    """Billionths of a dollar, so that even a short call to a cheap model is more than nothing."""

    @classmethod
    def of_call(cls, tokens: int, cost_usd: float) -> Amount:
        """Returns the amount of one call."""
        return cls(1, tokens, nano_usd(cost_usd))

    def __add__(self, other: Amount) -> Amount:
        """Returns the sum of each part."""
        return Amount(
            self.calls + other.calls, self.tokens + other.tokens, self.nano_usd + other.nano_usd
        )

    def __sub__(self, other: Amount) -> Amount:
        """Returns the difference of each part, which may be negative."""
        return Amount(
            self.calls - other.calls, self.tokens - other.tokens, self.nano_usd - other.nano_usd
        )

    def parts(self) -> tuple[int, int, int]:
        """Returns the parts in the order of `RESOURCES`."""
        return self.calls, self.tokens, self.nano_usd

    def in_units(self) -> tuple[float, float, float]:
        """Returns calls, tokens and dollars."""
        return self.calls, self.tokens, self.nano_usd / _NANO_PER_USD

    @property
    def usd(self) -> float:
        """The money in dollars."""
        return self.nano_usd / _NANO_PER_USD


NOTHING = Amount()


MAX_USD = 1e9
"""Larger amounts count as this one: the largest floats have no billionths."""


_RELATIVE_ERROR, _NANO_ERROR = 1e-15, 5e-4
"""Rounding error of a float, as a share of it and in billionths of a dollar."""


def nano_usd(usd: float) -> int:
    """Returns dollars in billionths, rounded up, without the rounding error of the float."""
    nano = min(usd, MAX_USD) * _NANO_PER_USD
    nearest = round(nano)
    is_near = math.isclose(nano, nearest, rel_tol=_RELATIVE_ERROR, abs_tol=_NANO_ERROR)
    return nearest if is_near else math.ceil(nano)


def most_usd(nano: int) -> float:
    """Returns the most dollars that `nano_usd` counts as no more than so many billionths."""
    if nano >= MAX_USD * _NANO_PER_USD:
        return math.inf
    return (nano + max(_NANO_ERROR, _RELATIVE_ERROR * nano)) / _NANO_PER_USD


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most that may be used of each resource; None means no limit."""

    calls: int | None = None
    tokens: int | None = None
    nano_usd: int | None = None

    def refused_resource(self, taken: Amount, more: Amount) -> str | None:
        """Returns the first resource that would exceed its cap; None if all of it fits.

        Args:
            taken: The amount that counts already.
            more: The amount to add.
        """
        for resource, cap, held, part in zip(
            RESOURCES, self.parts(), taken.parts(), more.parts(), strict=True
        ):
            if cap is not None and part > 0 and held + part > cap:
                return resource
        return None

    def less(self, taken: Amount) -> Caps:
        """Returns the caps that remain after an amount is taken."""
        calls, tokens, nano_usd = (
            None if cap is None else cap - part
            for cap, part in zip(self.parts(), taken.parts(), strict=True)
        )
        return Caps(calls=calls, tokens=tokens, nano_usd=nano_usd)

    def parts(self) -> tuple[int | None, int | None, int | None]:
        """Returns the caps in the order of `RESOURCES`."""
        return self.calls, self.tokens, self.nano_usd


class Window(enum.Enum):
    """A period of UTC time; one begins where the last one ends. The value is its length in ms."""

    PER_MINUTE = 60_000
    PER_HOUR = 3_600_000
    PER_DAY = 86_400_000

    @property
    def key(self) -> str:
        """The name in the tenants file and in errors."""
        return self.name.lower()

    def start_ms(self, now_ms: int) -> int:
        """Returns the start of the window that contains a point in time."""
        return now_ms - now_ms % self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLimits:
    """The limits of a tenant: answers at the same time, and amounts per window."""

    concurrent_answers: int | None = None
    windows: Mapping[Window, Caps] = field(default_factory=dict)

    @property
    def are_none(self) -> bool:
        """True if nothing is limited, so that nothing need be counted."""
        return self.concurrent_answers is None and not self.windows

    def longest_first(self) -> Iterator[tuple[Window, Caps]]:
        """Yields the windows that have caps, the longest one first."""
        for window in reversed(Window):
            caps = self.windows.get(window)
            if caps is not None:
                yield window, caps
