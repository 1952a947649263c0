"""One point in time for the whole call, and how the stages share what is left until then."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time."""

    at_s: float
    """On the clock of `time.monotonic`."""

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Returns the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining_s(self) -> float:
        """Returns the time left; zero when it has passed."""
        return max(0.0, self.at_s - time.monotonic())

    def share(self, fraction: float) -> Deadline:
        """Returns the deadline of a stage that may take that fraction of what is left."""
        return Deadline.after(self.remaining_s() * fraction)
