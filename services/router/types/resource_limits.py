"""Limits on amounts: those of a tenant per window of time, and those of one answer."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from services.router.types.amounts import Amount

RESOURCES = ("calls", "tokens", "usd")
"""The parts of an amount, as limits and metrics name them."""
CONCURRENT_ANSWERS = "concurrent_answers"
"""The name of the limit on answers in the making."""


class Window(enum.Enum):
    """A stretch of time that begins where the last one ends, in UTC; the value is its length in ms."""

    PER_MINUTE = 60_000
    PER_HOUR = 3_600_000
    PER_DAY = 86_400_000

    @property
    def key(self) -> str:
        """The name in the tenants file and in errors."""
        return self.name.lower()

    def start_ms(self, now_ms: int) -> int:
        """Returns when the window began that holds a point in time."""
        return now_ms - now_ms % self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most of each resource; None means no limit."""

    calls: int | None = None
    tokens: int | None = None
    nano_usd: int | None = None

    def refused_resource(self, taken: Amount, more: Amount) -> str | None:
        """Returns the first resource of which there is no room for more; None if all of it fits."""
        for resource, cap, held, part in zip(
            RESOURCES, self.parts(), taken.parts(), more.parts(), strict=True
        ):
            if cap is not None and part > 0 and held + part > cap:
                return resource
        return None

    def less(self, taken: Amount) -> Caps:
        """Returns what is left when something was taken."""
        calls, tokens, nano_usd = (
            None if cap is None else cap - part
            for cap, part in zip(self.parts(), taken.parts(), strict=True)
        )
        return Caps(calls=calls, tokens=tokens, nano_usd=nano_usd)

    def parts(self) -> tuple[int | None, int | None, int | None]:
        """Returns the caps in the order of `RESOURCES`."""
        return self.calls, self.tokens, self.nano_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a tenant may have at a time, and what it may spend in each window."""

    concurrent_answers: int | None = None
    windows: Mapping[Window, Caps] = field(default_factory=dict)

    @property
    def are_none(self) -> bool:
        """Whether nothing is limited, so that nothing need be counted."""
        return self.concurrent_answers is None and not self.windows

    def longest_first(self) -> Iterator[tuple[Window, Caps]]:
        """Yields the windows that have caps, the one with the longest wait first."""
        for window in reversed(Window):
            caps = self.windows.get(window)
            if caps is not None:
                yield window, caps
