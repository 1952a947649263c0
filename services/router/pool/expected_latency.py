"""How long each model's calls take: ledger entries -> expected latency.

The 5th, 50th and 95th percentile of a model's newest calls give its expected latency by the rule of
Pearson and Tukey: a heavy tail counts, a single outlier does not. The pool file's median stands for a
few calls more, so that it decides before there are any, and again when the last ones are long past.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.pool.recent_values import RecentValues
from services.router.types.ledger import AttemptKind, CallPurpose, CallStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from services.router.pool.pool import PoolModel
    from services.router.types.ledger import LedgerEntry

_CUT_OFF = {CallStatus.CANCELLED, CallStatus.TIMEOUT}


@dataclass(slots=True)
class _Observed:
    durations_s: RecentValues
    mean_s: float = 0.0


class Latencies:
    """What is expected of each model's latency; kept for as long as the service runs.

    Args:
        half_life_s: Time after which a call counts half as much.
        pool_median_calls: How many calls the pool file's median counts as.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        *,
        half_life_s: float,
        pool_median_calls: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._half_life_s = half_life_s
        self._pool_median_calls = pool_median_calls
        self._clock = clock
        self._observed: dict[str, _Observed] = {}

    def note(self, entry: LedgerEntry, model: PoolModel) -> None:
        """Learns from a model's call that proposed an answer; failures say nothing of latency.

        A call that was cut off would have taken longer. It counts as it stands if it took longer than
        expected: else a model that is always too slow would never be known to be.
        """
        now_s = self._clock()
        late = entry.status in _CUT_OFF and entry.duration_s > self._expected_s(model, now_s)
        # A resumed attempt tells of the rest of a reply alone.
        whole = entry.attempt_kind is not AttemptKind.RESUME
        told = whole and (entry.status is CallStatus.OK or late)
        if entry.purpose is not CallPurpose.ANSWER or not told:
            return
        observed = self._observed.setdefault(
            model.id, _Observed(durations_s=RecentValues(half_life_s=self._half_life_s))
        )
        values = observed.durations_s
        values.add(entry.duration_s, now_s)
        low_s, median_s, high_s = values.quantiles(0.05, 0.5, 0.95)
        observed.mean_s = 0.185 * low_s + 0.63 * median_s + 0.185 * high_s

    def expected_s(self, models: Iterable[PoolModel]) -> Mapping[str, float]:
        """Returns how long one call of each model is expected to take."""
        now_s = self._clock()
        return {model.id: self._expected_s(model, now_s) for model in models}

    def _expected_s(self, model: PoolModel, now_s: float) -> float:
        observed = self._observed.get(model.id)
        if observed is None:
            return model.median_latency_s
        calls = observed.durations_s.weight(now_s)
        total_s = self._pool_median_calls * model.median_latency_s + calls * observed.mean_s
        return total_s / (self._pool_median_calls + calls)
