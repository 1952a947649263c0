"""One replica of a model: where it is, how busy it is, and how it has been doing."""

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
    place: int
    """Its number in the set, from 0; a replica that comes takes the least that is free."""
    ejection: Ejection
    latency: LatencyAverage = field(default_factory=LatencyAverage)
    clock: Callable[[], float] = time.monotonic
    in_flight: int = 0
    rests_until_s: float = 0.0
    """Until when it has asked for no more calls (Retry-After)."""

    @property
    def available(self) -> bool:
        """Whether calls go to it as usual."""
        return self.ejection.serves and self.clock() >= self.rests_until_s

    @property
    def sound(self) -> bool:
        """Whether it is known to answer: it has, and nothing has failed since."""
        return self.available and self.ejection.failures == 0 and self.latency.known is not None

    def rest(self, seconds: float) -> None:
        """Notes that it asked for no calls for a time."""
        self.rests_until_s = max(self.rests_until_s, self.clock() + seconds)
