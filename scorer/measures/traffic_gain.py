"""The gain of a scorer over the one that served before, on the newest traffic with feedback.

``feedback -> TrafficGain <-> figures by name``

The figures stand among the others of an artifact's manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.measures.benefit import Verdict, points, verdict_of
from scorer.measures.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Mapping

_DECISIONS = "traffic_decisions"
_CHANGED = "traffic_changed_share"
_GAIN = "traffic_gain"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficGain:
    """The difference between the first choices of two scorers on held-out traffic."""

    decision_count: int
    changed_share: float
    """Share of the decisions on which the first choice is another."""
    gain: Interval

    @property
    def verdict(self) -> Verdict:
        """The finding about the gain."""
        return verdict_of(self.gain)

    def sentence(self) -> str:
        """Returns the finding in words."""
        found = {
            Verdict.BETTER: "is better than",
            Verdict.UNCLEAR: "is not shown to differ from",
            Verdict.WORSE: "is worse than",
        }[self.verdict]
        return (
            f"The corrected scorer {found} the one that served: {points(self.gain)} on "
            f"{self.decision_count} newest decisions, {100 * self.changed_share:.0f} % of them changed"
        )

    @property
    def figures(self) -> dict[str, float]:
        """The figures by name."""
        return {
            _DECISIONS: self.decision_count,
            _CHANGED: self.changed_share,
            _GAIN: self.gain.mean,
            f"{_GAIN}_low": self.gain.low,
            f"{_GAIN}_high": self.gain.high,
        }


def traffic_gain_in(figures: Mapping[str, float]) -> TrafficGain | None:
    """Returns the gain that is among some figures; None if it was not measured."""
    if not {_DECISIONS, _CHANGED, _GAIN, f"{_GAIN}_low", f"{_GAIN}_high"} <= figures.keys():
        return None
    return TrafficGain(
        decision_count=int(figures[_DECISIONS]),
        changed_share=figures[_CHANGED],
        gain=Interval(
            mean=figures[_GAIN], low=figures[f"{_GAIN}_low"], high=figures[f"{_GAIN}_high"]
        ),
    )
