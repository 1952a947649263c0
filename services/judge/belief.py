"""The belief in an answer: log odds that it is right, a sum of what each source says. Pure.

With l(p) = log(p / (1 - p)), clipped to [l(0.02), l(0.98)], and the prior score s of a model:

    log odds = l(s) + sum over sources of what the source says of the answer
    score    = 1 / (1 + exp(-log odds)), for an answer that was cut off the share `CUT_OFF_SHARE` of it

A source is a map from model ids to log odds; an answer of which it says nothing is not in it. A self
score says what its weight lets through, by default nothing: whoever gives itself 1 gains nothing. A
grade g says l(g), but never more than `MOST_PER_GRADE` either way, so that an exact 0 or 1 says no more
than a plain opinion. Graders that give the same grades to everybody count as one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Evidence = Mapping[str, float]
    """Log odds by model id."""

CUT_OFF_SHARE = 0.5
"""Share of its score that an answer keeps that was cut off: it lacks its end, where models conclude.

A half ranks it below complete answers of like models, and ends no answer early by the default stopping
score, but keeps it above answers that others grade as wrong.
"""

MOST_PER_GRADE = 0.5
"""Most log odds of one grade. In games with liars, 0.4 to 0.5 lose least to them and little without
them."""

_LEAST, _MOST = 0.02, 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The share of its log odds that each source keeps; zero or more."""

    self_: float
    cross: float


def posterior_scores(
    priors: Mapping[str, float], sources: Sequence[Evidence], cut_off: frozenset[str]
) -> dict[str, float]:
    """Returns by model the probability that its answer is right.

    A model of which no source says anything keeps its prior score exactly.

    Args:
        priors: The scores from before any model ran, in [0, 1].
        sources: What is known besides.
        cut_off: The models whose answers were cut off.
    """
    scores = {}
    for model_id, prior in priors.items():
        said = math.fsum(source.get(model_id, 0.0) for source in sources)
        score = prior
        if said != 0:  # the clipping must not move a score against what is said
            believed = _probability(log_odds(prior) + said)
            score = max(prior, believed) if said > 0 else min(prior, believed)
        scores[model_id] = score * CUT_OFF_SHARE if model_id in cut_off else score
    return scores


def text_evidence(
    priors: Mapping[str, float], answer_scores: Mapping[str, float]
) -> dict[str, float]:
    """Returns what the texts say: an answer score is the prior score, corrected by the text."""
    return {
        model_id: log_odds(score) - log_odds(priors[model_id])
        for model_id, score in answer_scores.items()
    }


def self_evidence(self_scores: Mapping[str, float], weight: float) -> dict[str, float]:
    """Returns what the models say of their own answers."""
    return {model_id: weight * log_odds(score) for model_id, score in self_scores.items()}


def grade_evidence(grades: Mapping[str, Mapping[str, float]], weight: float) -> dict[str, float]:
    """Returns what the grades say of the graded answers.

    Args:
        grades: The valid grades in [0, 1], by grader and graded model.
        weight: Share of their log odds that counts.
    """
    said: dict[str, float] = {}
    for given, model_id in _distinct(grades):
        bounded = min(max(log_odds(given), -MOST_PER_GRADE), MOST_PER_GRADE)
        said[model_id] = said.get(model_id, 0.0) + weight * bounded
    return said


def log_odds(score: float) -> float:
    """Returns the log odds of a probability; no model is certain."""
    score = min(max(score, _LEAST), _MOST)
    return math.log(score / (1 - score))


def _distinct(grades: Mapping[str, Mapping[str, float]]) -> list[tuple[float, str]]:
    """Returns the grades, with equal graders' grades of one model once, in an order of their own."""
    voices: list[dict[str, float]] = []
    for grader in sorted(grades):
        given = grades[grader]
        voice = next((v for v in voices if _is_same(v, given)), None)
        if voice is None:
            voices.append(dict(given))
        else:
            voice.update(given)
    return sorted((score, model_id) for voice in voices for model_id, score in voice.items())


def _is_same(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Returns whether two graders graded several models alike."""
    common = one.keys() & other.keys()
    return len(common) > 1 and all(one[model_id] == other[model_id] for model_id in common)


def _probability(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))
