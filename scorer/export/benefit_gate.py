"""Refuses a scorer that chooses worse than one model, or than the one that served; warns of doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.measures.benefit import Verdict, benefit_in, points, verdict_of
from scorer.measures.traffic_gain import traffic_gain_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scorer.measures.traffic_gain import TrafficGain


class WorseError(Exception):
    """Raised when a scorer was measured to be worse, and nobody asked for it anyway."""


def require_benefit(
    metrics: Mapping[str, float],
    *,
    best_single: str,
    even_if_worse: bool,
    warn: Callable[[str], None],
) -> None:
    """Checks the benefit that training measured, and the gain of an artifact that was learned.

    Args:
        metrics: The figures of a checkpoint or of a manifest.
        best_single: A name of the best single model, for messages.
        even_if_worse: True if a scorer that is worse is wanted too.
        warn: Called with a warning.

    Raises:
        WorseError: The scorer is worse than the best single model, or on traffic than the one that
            served, beyond the interval.
    """
    gain = traffic_gain_in(metrics)
    if gain is not None:
        _require_gain(gain, even_if_worse=even_if_worse, warn=warn)
    benefit = benefit_in(metrics)
    if benefit is None:
        warn("its training did not measure whether choosing by query helps")
        return
    if benefit.verdict is Verdict.WORSE and not even_if_worse:
        raise WorseError(
            f"{benefit.sentence(best_single)}. With --even-if-worse it is taken all the same"
        )
    if benefit.verdict is not Verdict.BETTER:
        warn(benefit.sentence(best_single))
    if verdict_of(benefit.over_knn) is Verdict.WORSE:
        warn(
            f"nearest neighbours choose better: the scorer gains {points(benefit.over_knn)} over them"
        )


def _require_gain(gain: TrafficGain, *, even_if_worse: bool, warn: Callable[[str], None]) -> None:
    if gain.verdict is Verdict.WORSE and not even_if_worse:
        raise WorseError(f"{gain.sentence()}. With --even-if-worse it is taken all the same")
    if gain.verdict is not Verdict.BETTER:
        warn(gain.sentence())
