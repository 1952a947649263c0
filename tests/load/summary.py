"""What many offered calls amount to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.load.open_loop import Ending

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.load.open_loop import Outcome

COLUMNS = (
    "scenario",
    "offered/s",
    "right/s",
    "refused",
    "failed",
    "wrong",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "refused p99 ms",
    "started late p99 ms",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Rates and latencies of calls; latencies count from when a call was due."""

    offered_per_s: float
    right_per_s: float
    counts: Counter[Ending]
    right_ms: Sequence[float]
    """Of right answers, ascending."""
    refused_ms: Sequence[float]
    """Of refusals, from when they were due, ascending."""
    late_ms: Sequence[float]
    """How late this process was to start calls, ascending."""

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], span_s: float) -> Summary:
        """Sums calls up that were due within so many seconds."""

        def latencies(ending: Ending) -> list[float]:
            return sorted(each.latency_ms for each in outcomes if each.ending is ending)

        right = latencies(Ending.RIGHT)
        return cls(
            offered_per_s=len(outcomes) / span_s,
            right_per_s=len(right) / span_s,
            counts=Counter(each.ending for each in outcomes),
            right_ms=right,
            refused_ms=latencies(Ending.REFUSED),
            late_ms=sorted(each.late_ms for each in outcomes),
        )

    def row(self, name: str) -> str:
        """Returns a row of the table whose columns are `COLUMNS`."""
        cells = [name, f"{self.offered_per_s:.0f}", f"{self.right_per_s:.0f}"]
        cells += [
            str(self.counts[ending]) for ending in (Ending.REFUSED, Ending.FAILED, Ending.WRONG)
        ]
        cells += [f"{percentile(self.right_ms, share):.1f}" for share in (50, 99, 99.9)]
        cells += [f"{percentile(each, 99):.1f}" for each in (self.refused_ms, self.late_ms)]
        return table_row(cells)


def percentile(ascending: Sequence[float], share: float) -> float:
    """Returns the smallest value that so many percent are not above; NaN of none."""
    if not ascending:
        return float("nan")
    return ascending[min(len(ascending) - 1, int(len(ascending) * share / 100))]


def table_row(cells: Iterable[str]) -> str:
    """Returns a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"
