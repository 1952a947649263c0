"""Turns the models' scores of their own and of each other's answers into self and cross scores.

Models are not trusted: a score is used only if it is a number in [0, 1]; a grade, only if it is for
another model that answered in the previous layer. All others are ignored and counted.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """One model's score of another model's answer, unchecked."""

    model_id: str
    """The graded model."""
    score: float
    """Any float, even NaN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScores:
    """The scores that came with one answer."""

    model_id: str
    """The model that answered."""
    self_score: float | None = None
    """Any float, even NaN; None if the model gave none."""
    grades: tuple[Grade, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScores:
    """The self and cross scores by model id; a model without a score is not in the map."""

    self_scores: Mapping[str, float]
    """Mean over the layers, in [0, 1]."""
    cross_scores: Mapping[str, float]
    """Median of the valid grades, in [0, 1]."""
    grades: Mapping[str, Mapping[str, float]]
    """The valid grades in [0, 1], by grader and graded model."""
    ignored_count: int
    """Self-scores and grades that were ignored."""


def assess(answers: Sequence[AnswerScores], previous: Sequence[AnswerScores]) -> ModelScores:
    """Returns the self and cross scores from the answers of two layers.

    Args:
        answers: The newest layer, at most one entry per model.
        previous: The layer before, which ``answers`` grade. Its own grades are for an older layer
            and are not used.
    """
    self_scores, ignored_self_count = _self_scores([*answers, *previous])
    gradable = {answer.model_id for answer in previous}
    grades: defaultdict[str, list[float]] = defaultdict(list)
    ignored_grade_count = 0
    by_grader: dict[str, dict[str, float]] = {}
    for answer in answers:
        valid = by_grader[answer.model_id] = _valid_grades(answer, gradable)
        ignored_grade_count += len(answer.grades) - len(valid)
        for model_id, score in valid.items():
            grades[model_id].append(score)
    return ModelScores(
        self_scores=self_scores,
        cross_scores={model_id: statistics.median(given) for model_id, given in grades.items()},
        grades=by_grader,
        ignored_count=ignored_self_count + ignored_grade_count,
    )


def _self_scores(answers: Sequence[AnswerScores]) -> tuple[dict[str, float], int]:
    given: defaultdict[str, list[float]] = defaultdict(list)
    ignored_count = 0
    for answer in answers:
        if answer.self_score is None:
            continue
        if _is_score(answer.self_score):
            given[answer.model_id].append(answer.self_score)
        else:
            ignored_count += 1
    means = {model_id: statistics.fmean(scores) for model_id, scores in given.items()}
    return means, ignored_count


def _valid_grades(answer: AnswerScores, gradable: set[str]) -> dict[str, float]:
    """Returns one grade per graded model: the first valid one."""
    valid: dict[str, float] = {}
    for grade in answer.grades:
        of_another = grade.model_id != answer.model_id and grade.model_id in gradable
        if of_another and _is_score(grade.score):
            valid.setdefault(grade.model_id, grade.score)
    return valid


def _is_score(value: float) -> bool:
    return 0.0 <= value <= 1.0  # false for NaN and infinities
