"""A circuit breaker: stops calls to a dependency that keeps failing.

Closed: every call is allowed. After `failure_limit` failures in a row it opens: no call is allowed
for `open_s` seconds. Then one call at a time is allowed as a trial; its success closes the breaker.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


FAILURE_LIMIT = 3
"""Failures in a row: one may be chance, and each costs a call the dependency's timeout."""
OPEN_S = 5.0
"""Time until a trial call: a dependency that is back is used again within seconds, and one that stays
down costs one call in five seconds its timeout."""


@dataclass(slots=True, kw_only=True)
class Breaker:
    """The state of one dependency."""

    failure_limit: int = FAILURE_LIMIT
    open_s: float = OPEN_S
    clock: Callable[[], float] = time.monotonic
    _failure_count: int = field(default=0, init=False)
    _retry_at_s: float = field(default=0.0, init=False)

    def allows(self) -> bool:
        """Returns whether a call may be made now; a trial call pushes the next trial back."""
        if self._failure_count < self.failure_limit:
            return True
        now_s = self.clock()
        if now_s < self._retry_at_s:
            return False
        self._retry_at_s = now_s + self.open_s
        return True

    def succeeded(self) -> None:
        """Records a call that the dependency answered."""
        self._failure_count = 0

    def failed(self) -> None:
        """Records a call that the dependency failed."""
        self._failure_count += 1
        if self._failure_count >= self.failure_limit:
            self._retry_at_s = self.clock() + self.open_s

    @property
    def is_open(self) -> bool:
        """True while calls are stopped."""
        return self._failure_count >= self.failure_limit
