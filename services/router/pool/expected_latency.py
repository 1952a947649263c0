"""Expected latency of each model's calls, from its recent ledger entries.

The 5th, 50th and 95th percentile of a model's recent calls give its expected latency by the rule of
Pearson and Tukey: a heavy tail counts, a single outlier does not. The median in the pool file counts as
a few more calls, so it decides before there are any, and again when the last ones are long past.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from services.router.types.ledger import AttemptKind, CallPurpose, CallStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.router.pool.model import PoolModel
    from services.router.pool.pool import ModelSet
    from services.router.types.ledger import LedgerEntry

HALF_LIFE_S = 600.0
"""Time after which a call counts half as much: after a quiet night the pool file decides again."""
POOL_MEDIAN_CALLS = 5.0
"""Calls that the pool file's median latency counts as: a few measured calls outweigh it."""
_CUT_OFF = {CallStatus.CANCELLED, CallStatus.TIMEOUT}


class RecentValues:
    """The newest values; the weight of each halves after every half-life.

    Args:
        half_life_s: Time after which a value counts half as much.
        size: The number of values that are kept.
    """

    def __init__(self, *, half_life_s: float, size: int = 64) -> None:
        self._half_life_s = half_life_s
        self._kept: deque[tuple[float, float]] = deque(maxlen=size)  # value, time
        self._newest_s = 0.0
        self._weight = 0.0

    def add(self, value: float, now_s: float) -> None:
        """Adds a value. Time must not run backwards."""
        self._weight = min(self.weight(now_s) + 1, float(self._kept.maxlen or 0))
        self._newest_s = now_s
        self._kept.append((value, now_s))

    def weight(self, now_s: float) -> float:
        """Returns the total weight of the values; a new value has weight 1."""
        return self._weight * self._decay(now_s - self._newest_s)

    def quantiles(self, *shares: float) -> tuple[float, ...]:
        """Returns for each share the smallest value that reaches it of the total weight.

        All weights decay alike, so quantiles change only when a value is added.

        Args:
            shares: Each in [0, 1].

        Raises:
            ValueError: There are no values.
        """
        if not self._kept:
            message = "there are no values"
            raise ValueError(message)
        newest_s, half_life_s = self._newest_s, self._half_life_s
        weighted = sorted(
            [(value, 0.5 ** ((newest_s - at) / half_life_s)) for value, at in self._kept]
        )
        reached = list(accumulate([weight for _, weight in weighted]))
        indices = [bisect_left(reached, share * reached[-1]) for share in shares]
        return tuple(weighted[index][0] for index in indices)

    def _decay(self, age_s: float) -> float:
        return float(0.5 ** (age_s / self._half_life_s))


@dataclass(slots=True)
class _Observed:
    durations_s: RecentValues
    mean_s: float = 0.0


class ExpectedLatencies:
    """The expected latency of each model's calls; kept as long as the service runs.

    Args:
        learns: Whether calls change what is expected; if not, the pool file's medians stand.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        *,
        learns: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._learns = learns
        self._clock = clock
        self._observed: dict[str, _Observed] = {}

    def record(self, entry: LedgerEntry, model: PoolModel) -> None:
        """Adds the duration of a call that proposed an answer; failed calls have no latency.

        A call that was cut off would have taken longer. Its duration counts only if it exceeds the
        expected one: otherwise a model that is always too slow would never be found to be so.
        """
        now_s = self._clock()
        late = entry.status in _CUT_OFF and entry.duration_s > self._expected_s(model, now_s)
        # A resumed attempt took the time of only the rest of a reply.
        whole = entry.attempt_kind is not AttemptKind.RESUME
        counts = whole and (entry.status is CallStatus.OK or late)
        if not self._learns or entry.purpose is not CallPurpose.ANSWER or not counts:
            return
        observed = self._observed.setdefault(
            model.id, _Observed(durations_s=RecentValues(half_life_s=HALF_LIFE_S))
        )
        values = observed.durations_s
        values.add(entry.duration_s, now_s)
        low_s, median_s, high_s = values.quantiles(0.05, 0.5, 0.95)
        observed.mean_s = 0.185 * low_s + 0.63 * median_s + 0.185 * high_s

    def expected_s(self, models: ModelSet) -> Mapping[str, float]:
        """Returns the expected duration of one call to each model."""
        now_s = self._clock()
        expected_s = dict(zip(models.ids, models.median_latency_s.tolist(), strict=True))
        for model_id, observed in self._observed.items():
            median_s = expected_s.get(model_id)
            if median_s is not None:
                expected_s[model_id] = _mixed_s(observed, median_s, now_s)
        return expected_s

    def _expected_s(self, model: PoolModel, now_s: float) -> float:
        observed = self._observed.get(model.id)
        if observed is None:
            return model.median_latency_s
        return _mixed_s(observed, model.median_latency_s, now_s)


def _mixed_s(observed: _Observed, median_s: float, now_s: float) -> float:
    """Returns the mean of the observed duration and the pool file's, each by the calls it counts as."""
    calls = observed.durations_s.weight(now_s)
    return (POOL_MEDIAN_CALLS * median_s + calls * observed.mean_s) / (POOL_MEDIAN_CALLS + calls)
