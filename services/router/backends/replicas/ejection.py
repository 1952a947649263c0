"""Outlier ejection: a replica that keeps failing gets no calls for a while, longer each time.

Serving: calls go to the replica. After several failures in a row it is ejected. When its time is over
it is on trial: one call at a time goes to it. If that call begins to write, the replica serves again,
but the next failure ejects it at once; if not, it is ejected for twice as long. A fault of the client
is no failure of the replica.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.router.backends.replicas.config import EjectionSettings

_JITTER_SHARE = 0.2
"""Jitter, so that replicas and routers do not all try again at the same moment."""


@dataclass(slots=True, kw_only=True)
class Ejection:
    """The ejection state of one replica."""

    settings: EjectionSettings
    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random
    """A number in [0, 1)."""
    failures: int = field(default=0, init=False)
    """Failures in a row."""
    _times: int = field(default=0, init=False)
    """Ejections without a lasting recovery between them."""
    _until_s: float | None = field(default=None, init=False)
    """End of the ejection or of the trial under way; None while serving."""
    _on_trial: bool = field(default=False, init=False)
    _serving_since_s: float = field(default=0.0, init=False)

    @property
    def serves(self) -> bool:
        """True if the replica gets calls."""
        return self._until_s is None

    @property
    def trial_due(self) -> bool:
        """True if one call should go to the replica as a trial."""
        return self._until_s is not None and self.clock() >= self._until_s

    def begin_trial(self) -> None:
        """Starts a trial. It expires after `base_s` if its call is never reported."""
        self._on_trial = True
        self._until_s = self.clock() + self.settings.base_s

    def began(self) -> None:
        """Records that a call began to write: this ends a trial, but keeps one failure in reserve."""
        if self._on_trial:
            self._until_s, self._on_trial = None, False
            self._serving_since_s = self.clock()
            self.failures = self.settings.failure_count - 1

    def succeeded(self) -> None:
        """Records a call that was answered to its end."""
        self.began()
        self.failures = 0

    def failed(self, *, may_eject: bool) -> bool:
        """Records a failed call; returns True if it ejected the replica.

        Args:
            may_eject: True if enough other replicas are left.
        """
        self.failures += 1
        if self._until_s is not None:
            if not self._on_trial:
                return False  # the call began before the ejection
        elif self.failures < self.settings.failure_count or not may_eject:
            return False
        elif self.clock() - self._serving_since_s > self.settings.max_s:
            self._times = 0
        self._times += 1
        length_s = min(self.settings.base_s * 2 ** (self._times - 1), self.settings.max_s)
        self._until_s = self.clock() + length_s * (1 + _JITTER_SHARE * self.draw())
        self._on_trial = False
        return True
