"""One replica of a model: its address, load, latency and ejection state."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.backends.replicas.first_token_latency import LatencyAverage

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.router.backends.replicas.ejection import Ejection


@dataclass(slots=True, kw_only=True, eq=False)
class Replica:
    """The live state of one endpoint."""

    url: str
    """Base URL of its API, without a slash at the end."""
    index: int
    """Index in the set, from 0; a new replica takes the lowest free one."""
    ejection: Ejection
    latency: LatencyAverage = field(default_factory=LatencyAverage)
    clock: Callable[[], float] = time.monotonic
    in_flight: int = 0
    rests_until_s: float = 0.0
    """End of the pause that it asked for (Retry-After)."""

    @property
    def available(self) -> bool:
        """True if it gets calls as usual."""
        return self.ejection.serves and self.clock() >= self.rests_until_s

    @property
    def sound(self) -> bool:
        """True if it has answered and no call has failed since."""
        return self.available and self.ejection.failures == 0 and self.latency.known is not None

    def rest(self, seconds: float) -> None:
        """Pauses calls to it for a time that it asked for."""
        self.rests_until_s = max(self.rests_until_s, self.clock() + seconds)
