"""One decision of a rollout, and the feedback on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One decision as evidence for or against the candidate."""

    tenant: str | None
    from_candidate: bool
    probability: float
    """The probability with which the candidate was drawn, in [0, 1]."""
    differs: bool
    """True if the artifacts' choices differ, or if the same choice may end otherwise."""
    active_score: float
    """Predicted score of the active artifact's first model: the mean of both artifacts'."""
    candidate_score: float
    """The same of the candidate's first model."""
    cost_usd: float
    latency_s: float
    feedback: float | None = None
    """Score of the answer in [0, 1]; None without feedback."""
