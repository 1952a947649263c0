"""Answers that feedback rates, with what models said of them: traffic -> rated answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.learning.labelling import label

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from scorer.learning.traffic.traffic import Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedAnswer:
    """An answer, what was said of it before, and what turned out."""

    query: str
    model_id: str
    prior: float
    """The scorer's score of the model, in [0, 1]."""
    self_score: float | None
    """The model's own score of it, in [0, 1]."""
    answer_score: float | None
    """The answer scorer's score of its text, in [0, 1]."""
    grades: Mapping[str, float]
    """The scores of other models, in [0, 1], by grader."""
    right: float
    """The feedback, in [0, 1]."""
    weight: float
    """Weight of the feedback, at least 0; one is feedback of today."""


def rated_answers(traffic: Traffic, *, now: datetime) -> list[RatedAnswer]:
    """Returns the answers that feedback rates, once for each rating.

    Args:
        traffic: Decisions and feedback.
        now: The time that labels lose weight until.
    """
    decisions = traffic.decisions
    model_ids = sorted({model_id for decided in decisions for model_id in decided.priors})
    labels = label(traffic, model_ids, now=now)
    found = []
    for row, column, value, weight in zip(
        labels.rows, labels.models, labels.values.tolist(), labels.weights.tolist(), strict=True
    ):
        decided, model_id = decisions[row], model_ids[column]
        found.append(
            RatedAnswer(
                query=decided.query,
                model_id=model_id,
                prior=decided.priors[model_id],
                self_score=decided.self_scores.get(model_id),
                answer_score=decided.answer_scores.get(model_id),
                grades={
                    grader: given[model_id]
                    for grader, given in decided.grades.items()
                    if grader != model_id and model_id in given
                },
                right=value,
                weight=weight,
            )
        )
    return found
