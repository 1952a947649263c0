"""Leaves a replica alone that keeps failing, for longer each time.

Serving: calls go to it. After failures in a row it is ejected. When its time is over it is on trial:
one call at a time goes to it. If that begins to write, the replica is back, but the next failure ejects
it at once; if not, it is ejected for twice as long. What a client did wrong is no failure of it.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.router.backends.replicas.settings import EjectionSettings

_JITTER_SHARE = 0.2
"""Replicas that failed together, and routers that saw it, do not all try again at the same moment."""


@dataclass(slots=True, kw_only=True)
class Ejection:
    """The state of one replica."""

    settings: EjectionSettings
    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random
    """A number in [0, 1)."""
    failures: int = field(default=0, init=False)
    """Failures in a row."""
    _times: int = field(default=0, init=False)
    """Ejections without a lasting recovery between them."""
    _until_s: float | None = field(default=None, init=False)
    """End of the ejection, and then of the trial under way; None while serving."""
    _on_trial: bool = field(default=False, init=False)
    _serving_since_s: float = field(default=0.0, init=False)

    @property
    def serves(self) -> bool:
        """Whether calls go to it."""
        return self._until_s is None

    @property
    def trial_due(self) -> bool:
        """Whether one call should go to it, to see how it is."""
        return self._until_s is not None and self.clock() >= self._until_s

    def begin_trial(self) -> None:
        """Notes that the trial call is on its way; one that is never reported blocks none for long."""
        self._on_trial = True
        self._until_s = self.clock() + self.settings.base_s

    def began(self) -> None:
        """Notes that the replica began to answer: enough to end a trial, not to forget failures."""
        if self._on_trial:
            self._until_s, self._on_trial = None, False
            self._serving_since_s = self.clock()
            self.failures = self.settings.failure_count - 1

    def succeeded(self) -> None:
        """Notes a call that the replica answered to its end."""
        self.began()
        self.failures = 0

    def failed(self, *, may_eject: bool) -> bool:
        """Notes a call that the replica failed; says whether that ejected it.

        Args:
            may_eject: Whether enough other replicas are left.
        """
        self.failures += 1
        if self._until_s is not None:
            if not self._on_trial:
                return False  # a call that was under way when it was ejected
        elif self.failures < self.settings.failure_count or not may_eject:
            return False
        elif self.clock() - self._serving_since_s > self.settings.max_s:
            self._times = 0
        self._times += 1
        length_s = min(self.settings.base_s * 2 ** (self._times - 1), self.settings.max_s)
        self._until_s = self.clock() + length_s * (1 + _JITTER_SHARE * self.draw())
        self._on_trial = False
        return True
