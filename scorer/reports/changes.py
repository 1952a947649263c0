"""Two artifacts on the same records -> what the newer one does otherwise, and what that gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.intervals import Interval, bootstrap_means, interval

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.reports.evidence import Evidence

SEED = 1
ALL_TASKS = "all tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed from one artifact to another, over the records that both can judge."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    record_count: int
    moved: float
    """Share of the records with another first choice."""
    shares_before: dict[str, float]
    """How often each model that was known before was the first choice."""
    shares_now: dict[str, float]
    gains: dict[str, Interval]
    """Mean score now less before: over all records, and by task."""


def changes_between(before: Evidence, now: Evidence) -> Changes:
    """Compares two artifacts, each choosing among the models that it knows."""
    both = sorted(set(before.record_ids) & set(now.record_ids))
    before, now = _records(before, both), _records(now, both)
    choices = [np.array(evidence.model_ids)[evidence.first_choices] for evidence in (before, now)]
    outcomes = np.stack([before.outcomes, now.outcomes], axis=1)
    tasks = np.array(now.tasks)
    gains = {ALL_TASKS: _gain(outcomes)}
    if len(set(now.tasks)) > 1:
        gains |= {task: _gain(outcomes[tasks == task]) for task in sorted(set(now.tasks))}
    return Changes(
        added=tuple(sorted(set(now.artifact_model_ids) - set(before.artifact_model_ids))),
        removed=tuple(sorted(set(before.artifact_model_ids) - set(now.artifact_model_ids))),
        record_count=len(both),
        moved=float((choices[0] != choices[1]).mean()),
        shares_before=_shares(before, choices[0]),
        shares_now=_shares(now, choices[1]),
        gains=gains,
    )


def _records(evidence: Evidence, ids: list[str]) -> Evidence:
    rows = {record_id: row for row, record_id in enumerate(evidence.record_ids)}
    return evidence.take([rows[record_id] for record_id in ids])


def _shares(evidence: Evidence, choices: npt.NDArray[np.str_]) -> dict[str, float]:
    return {model_id: float((choices == model_id).mean()) for model_id in evidence.model_ids}


def _gain(outcomes: npt.NDArray[np.floating]) -> Interval:
    """Returns now less before, paired by record, of outcomes (N, 2)."""
    means = bootstrap_means(outcomes, ["all"] * len(outcomes), seed=SEED)
    before, now = outcomes.mean(axis=0)
    return interval(float(now - before), means[:, 1] - means[:, 0])
