"""The most feedback that a tenant may send: a steady rate, and a burst above it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS_PER_S = 10.0
"""A thousand labelled answers take 100 s; people who press buttons send far less."""
BURST_UNITS = 200.0
"""A better answer of the greatest length, in characters of four bytes, is 128 units."""


class TenantRate:
    """Counts the units of each tenant; one tenant's never limit another's.

    The generic cell rate algorithm (ITU-T I.371): of each tenant, only the time is kept at which all
    that it has sent would have gone through at the steady rate.

    Args:
        clock: Returns the time in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._through_s: dict[str | None, float] = {}

    def take(self, tenant: str | None, units: float) -> float:
        """Takes units and returns 0; if there are too few, takes none and returns the wait in seconds.

        Args:
            tenant: The tenant; None stands for all callers without one.
            units: At most `BURST_UNITS`.
        """
        now_s = self._clock()
        through_s = max(now_s, self._through_s.get(tenant, now_s)) + units / UNITS_PER_S
        wait_s = through_s - now_s - BURST_UNITS / UNITS_PER_S
        if wait_s > 0:
            return wait_s
        self._through_s[tenant] = through_s
        return 0.0
