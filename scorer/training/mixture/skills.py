"""Labelled queries -> their skills, and the response classes of each, in one table.

``tasks (N,), targets (N, M) -> skill of each row -> classes of each skill -> SkillTable (C, M)``

A skill in which a model has no label at all says what a model of its ability would do there: ability
and difficulty, each one number, are fitted on the logit scale to the skills where it has labels (the
one-parameter item response model, Rasch 1960). So files of different models can be trained together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.training.mixture.classes import fit_classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

ROWS_PER_CLASS = 25
"""A skill has a class more for each so many of its rows, up to the most that are asked for."""

OTHER_SKILL = "other"
"""Tasks with fewer than ``ROWS_PER_CLASS`` rows are one skill together."""

PRIOR_LABELS = 5.0
"""How many labels a model's ability weighs against its labels in a skill."""

ABILITY_STEPS = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SkillTable:
    """K skills and their C response classes, those of a skill side by side."""

    skills: tuple[str, ...]
    skill_of_class: npt.NDArray[np.int64]
    """(C,), ascending."""
    shares: Floats
    """How much of its skill each class is, (C,)."""
    success: Floats
    """Chance that a model answers a query of the class well, (C, M)."""


def skill_rows(tasks: Sequence[str]) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Returns the names of the skills and the skill of each row, (N,)."""
    names, counts = np.unique(np.asarray(tasks), return_counts=True)
    large = set(names[counts >= ROWS_PER_CLASS].tolist())
    labels = [task if task in large else OTHER_SKILL for task in tasks]
    skills, rows = np.unique(np.asarray(labels), return_inverse=True)
    return tuple(skills.tolist()), rows.astype(np.int64)


def fit_skills(
    tasks: Sequence[str],
    targets: npt.NDArray[np.floating],
    weights: Floats,
    *,
    max_classes: int,
    seed: int,
) -> SkillTable:
    """Fits the response classes of every skill; NaN in ``targets`` (N, M) is no label."""
    skills, rows = skill_rows(tasks)
    means = skill_means(targets, weights, rows, len(skills))
    classes = [
        fit_classes(
            targets[rows == skill],
            weights[rows == skill],
            int(np.clip((rows == skill).sum() // ROWS_PER_CLASS, 1, max_classes)),
            means=means[skill],
            seed=seed,
        )
        for skill in range(len(skills))
    ]
    return SkillTable(
        skills=skills,
        skill_of_class=np.repeat(np.arange(len(skills)), [len(each.shares) for each in classes]),
        shares=np.concatenate([each.shares for each in classes]),
        success=np.concatenate([each.success for each in classes]),
    )


def skill_means(
    targets: npt.NDArray[np.floating],
    weights: Floats,
    rows: npt.NDArray[np.int64],
    count: int,
) -> Floats:
    """Returns each model's mean in each skill, (K, M), drawn towards what its ability promises."""
    known = ~np.isnan(targets)
    wins = np.where(known, targets, 0.0)
    member = np.eye(count)[rows] * weights[:, None]  # (N, K)
    counts = member.T @ known
    raw = member.T @ wins
    expected = _expected(raw, counts)
    means: Floats = (raw + PRIOR_LABELS * expected) / (counts + PRIOR_LABELS)
    return means


def _expected(raw: Floats, counts: Floats) -> Floats:
    """Returns the success (K, M) that ability and difficulty alone would give."""
    logits = _logit((raw + 0.5) / (counts + 1.0))
    # Labels beyond a hundred in one skill tell no more about ability than about the skill.
    weights = np.minimum(counts, 100.0)
    difficulty = np.zeros((len(raw), 1))
    ability = np.zeros((1, raw.shape[1]))
    for _ in range(ABILITY_STEPS):
        ability = _weighted_mean(logits + difficulty, weights, axis=0)
        difficulty = _weighted_mean(ability - logits, weights, axis=1)
    expected: Floats = 1 / (1 + np.exp(difficulty - ability))
    return expected


def _weighted_mean(values: Floats, weights: Floats, *, axis: int) -> Floats:
    totals = weights.sum(axis=axis, keepdims=True)
    sums = (values * weights).sum(axis=axis, keepdims=True)
    mean: Floats = sums / np.maximum(totals, 1e-9)
    return mean


def _logit(shares: Floats) -> Floats:
    logits: Floats = np.log(shares) - np.log1p(-shares)
    return logits
