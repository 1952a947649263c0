"""The next stage of a rollout by its observations. Pure.

shadow -> enough queries are scored by both artifacts -> share
share  -> feedback is better, cost and latency are not much higher -> promoted
       -> cost or latency is much higher, or feedback will not be shown to be better -> rolled back
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.betting_test import betting_test
from scorer.measures.confidence_sequence import mean_bounds
from scorer.rollout.rollout import Stage
from services.evaluation.rollout.arm_differences import (
    amount_differences,
    feedback_differences,
    lowest_difference,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from scorer.rollout.rollout import Rollout, RolloutSettings
    from services.evaluation.rollout.observation import Observation

    Floats = npt.NDArray[np.float64]

LEVEL = 0.04
"""Largest probability of promoting a candidate that is no better."""
FUTILE_WEALTH = 0.05
"""Wealth at which hardly any candidate is still shown to be better: it has lost most bets."""
MIN_AMOUNTS = 200
"""Least decisions before cost or latency decides; its bounds hold for many decisions only."""
NORMAL_95 = 1.96
"""Standard errors in half of a 95 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A relative change from the active artifact to the candidate; its bounds hold at all times."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The evidence of a rollout."""

    query_count: int
    differing_share: float | None = None
    """Share of the queries for which the artifacts choose otherwise; None without queries."""
    feedback_count: int = 0
    gain: float | None = None
    """Difference of mean feedback, candidate less active; None with fewer than two feedbacks."""
    gain_error: float | None = None
    """Half of its 95 % interval, at one look."""
    wealth: float = 1.0
    """Wealth of the test; from ``1 / LEVEL`` on, the candidate is better."""
    deciding_tenant: bool = False
    """True if the candidate is not shown to be better without the feedback of some tenant."""
    cost_change: Change | None = None
    latency_change: Change | None = None

    def as_dict(self) -> dict[str, object]:
        """Returns the figures for the log."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The stage that a rollout should be in, with the reason for a person."""

    stage: Stage
    reason: str
    figures: Figures = field(default_factory=lambda: Figures(query_count=0))


def judge_rollout(rollout: Rollout, observations: Sequence[Observation]) -> Verdict:
    """Returns the next stage of a running rollout, or its stage where it goes on.

    Args:
        rollout: The rollout.
        observations: Its observations; those with feedback in the order of the feedback.
    """
    if rollout.stage is Stage.SHADOW:
        return _judge_shadow(rollout.settings, observations)
    drawn = [o for o in observations if 0 < o.probability < 1]
    figures, passed = _figures(rollout.settings, drawn)
    stage, reason = _judge_share(rollout.settings, figures, passed=passed)
    return Verdict(stage=stage, reason=reason, figures=figures)


def _judge_shadow(settings: RolloutSettings, observations: Sequence[Observation]) -> Verdict:
    count, least = len(observations), settings.min_shadow_queries
    share = float(np.mean([o.differs for o in observations])) if observations else None
    figures = Figures(query_count=count, differing_share=share)
    if count < least:
        reason = f"{count:,} of {least:,} queries are scored by both artifacts"
        return Verdict(stage=Stage.SHADOW, reason=reason, figures=figures)
    reason = f"both artifacts scored {count:,} queries; {share:.1%} of the choices differ"
    return Verdict(stage=Stage.SHARE, reason=reason, figures=figures)


def _judge_share(settings: RolloutSettings, figures: Figures, *, passed: bool) -> tuple[Stage, str]:
    count = figures.feedback_count
    better = passed and not figures.deciding_tenant
    too_high, unsure = _guards(settings, figures)
    if too_high:
        return Stage.ROLLED_BACK, f"the {' and the '.join(too_high)} of an answer is too high"
    if count < settings.min_feedback:
        stage, reason = Stage.SHARE, f"{count:,} of {settings.min_feedback:,} queries have feedback"
    elif better and not unsure:
        stage, reason = Stage.PROMOTED, f"better by {figures.gain:.1%} in {count:,} queries"
    elif better:
        stage, reason = Stage.SHARE, f"better, but the {' and the '.join(unsure)} may be too high"
    elif figures.wealth <= FUTILE_WEALTH:
        stage, reason = (
            Stage.ROLLED_BACK,
            f"not better in {count:,} queries, and hardly going to be",
        )
    elif count >= settings.max_feedback:
        stage, reason = Stage.ROLLED_BACK, f"not shown to be better in {count:,} queries"
    elif passed:
        stage, reason = Stage.SHARE, "better only with the feedback of one tenant"
    else:
        stage, reason = Stage.SHARE, f"not decided after {count:,} queries"
    return stage, reason


def _guards(settings: RolloutSettings, figures: Figures) -> tuple[list[str], list[str]]:
    """Returns the amounts that are too high, and those that may still be."""
    too_high, unsure = [], []
    for name, change, limit in (
        ("cost", figures.cost_change, settings.max_cost_increase),
        ("latency", figures.latency_change, settings.max_latency_increase),
    ):
        if change is None or change.high > limit or figures.query_count < MIN_AMOUNTS:
            unsure.append(name)
        if change is not None and change.low > limit and figures.query_count >= MIN_AMOUNTS:
            too_high.append(name)
    return too_high, unsure


def _figures(
    settings: RolloutSettings, observations: Sequence[Observation]
) -> tuple[Figures, bool]:
    """Returns the evidence, and whether the candidate is better."""
    if not observations:
        return Figures(query_count=0), False
    rated = [o for o in observations if o.feedback is not None]
    differences = feedback_differences(rated)
    lowest = lowest_difference(rated)

    def test(values: Floats, first_look: int) -> tuple[bool, float]:
        result = betting_test(
            values.tolist(),
            lowest=lowest,
            level=LEVEL,
            horizon=settings.max_feedback,
            first_look=first_look,
        )
        return result.passed, result.wealth

    passed, wealth = test(differences, settings.min_feedback)
    deciding = passed and any(not test(rest, 0)[0] for rest in _without_tenants(rated, differences))
    known = len(rated) > 1
    return Figures(
        query_count=len(observations),
        differing_share=float(np.mean([o.differs for o in observations])),
        feedback_count=len(rated),
        gain=float(differences.mean()) if known else None,
        gain_error=NORMAL_95 * float(differences.std()) / len(rated) ** 0.5 if known else None,
        wealth=wealth,
        deciding_tenant=deciding,
        cost_change=_change(observations, lambda o: o.cost_usd),
        latency_change=_change(observations, lambda o: o.latency_s),
    ), passed


def _without_tenants(observations: Sequence[Observation], differences: Floats) -> list[Floats]:
    """Returns the differences without those of each tenant; none if there is one tenant alone.

    So no tenant alone decides: the others' feedback must show the same. A tenant's differences become
    0 and keep their places, as if the artifacts had chosen the same.
    """
    tenants = np.array([o.tenant or "" for o in observations])
    names = np.unique(tenants)
    return [np.where(tenants == name, 0.0, differences) for name in names] if len(names) > 1 else []


def _change(
    observations: Sequence[Observation], amount: Callable[[Observation], float]
) -> Change | None:
    """Returns the relative change of a mean amount; None without an answer of the active artifact."""
    amounts = [amount(o) for o in observations]
    active = [a for o, a in zip(observations, amounts, strict=True) if not o.from_candidate]
    if not active:
        return None
    differences = amount_differences(observations, amounts)
    low, high = mean_bounds(differences, level=LEVEL)
    base = float(np.mean(active)) or 1.0
    return Change(mean=float(differences.mean()) / base, low=low / base, high=high / base)
