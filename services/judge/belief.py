"""The belief in an answer: log odds that it is right, a sum of what each source says. Pure.

With l(p) = log(p / (1 - p)), clipped to [l(0.02), l(0.98)], and the prior score s of a model:

    log odds = l(s) + sum over sources of what the source says of the answer
    score    = 1 / (1 + exp(-log odds)), for an answer that was cut off the share `CUT_OFF_SHARE` of it

A source is a map from model ids to log odds; an answer of which it says nothing is not in it. The text
of an answer says TEXT_SHARE of what the answer scorer makes of it, and nothing if the scorer does not
know the model. What models say counts by their
records, if there are any (`scorer/belief/curve.py`): who has no record then says nothing. Without
records, a self-score says what its weight lets through, by default nothing: whoever gives itself 1
gains nothing. A grade g says l(g), but never more than `MOST_PER_GRADE` either way, so that an exact 0
or 1 says no more than a plain opinion. Graders that give the same grades to everybody count as one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.belief.curve import log_odds
from scorer.belief.share import TEXT_SHARE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scorer.belief.parameters import BeliefParameters

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The worth of each source: by records where there are any, else by shares of its log odds."""

    self_: float
    cross: float
    parameters: BeliefParameters | None = None

    def of_text(self, *, is_known: bool) -> float:
        """Returns the share of the answer scorer's log odds that counts.

        Args:
            is_known: True if it has learned from answers of the model. On training queries of a pool
                that it did not know, its word cost dollars and brought no right answers.
        """
        if self.parameters is not None:
            return self.parameters.text_share
        return TEXT_SHARE if is_known else 0.0

    def of_self_score(self, model_id: str, score: float) -> float:
        """Returns the log odds that a model's score of its own answer is worth."""
        if self.parameters is None:
            return self.self_ * log_odds(score)
        curve = self.parameters.self_scores.get(model_id)
        return 0.0 if curve is None else curve.evidence(score)

    def of_grade(self, grader: str, score: float) -> float:
        """Returns the log odds that a grade of another model's answer is worth."""
        if self.parameters is None:
            return self.cross * min(max(log_odds(score), -MOST_PER_GRADE), MOST_PER_GRADE)
        curve = self.parameters.grades.get(grader)
        return 0.0 if curve is None else curve.evidence(score)


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
    priors: Mapping[str, float], answer_scores: Mapping[str, float], shares: Mapping[str, float]
) -> dict[str, float]:
    """Returns what the texts say: an answer score is the prior score, corrected by the text.

    Args:
        priors: The prior scores, in [0, 1].
        answer_scores: The answer scores, in [0, 1].
        shares: The share of the log odds that counts, by model.
    """
    return {
        model_id: shares[model_id] * (log_odds(score) - log_odds(priors[model_id]))
        for model_id, score in answer_scores.items()
    }


def self_evidence(self_scores: Mapping[str, float], weights: Weights) -> dict[str, float]:
    """Returns what the models say of their own answers."""
    return {m: weights.of_self_score(m, score) for m, score in self_scores.items()}


def grade_evidence(grades: Mapping[str, Mapping[str, float]], weights: Weights) -> dict[str, float]:
    """Returns what the grades say of the graded answers.

    Args:
        grades: The valid grades in [0, 1], by grader and graded model.
        weights: What a grade is worth.
    """
    said: defaultdict[str, list[float]] = defaultdict(list)
    for voice in _voices(grades):
        for model_id, grade in voice.given.items():
            worth = (weights.of_grade(grader, grade) for grader in voice.graders)
            said[model_id].append(max(worth, key=abs))
    return {model_id: math.fsum(each) for model_id, each in said.items()}


@dataclass(frozen=True, slots=True)
class _Voice:
    """Graders who grade alike, and their grades."""

    graders: list[str]
    given: dict[str, float]


def _voices(grades: Mapping[str, Mapping[str, float]]) -> list[_Voice]:
    voices: list[_Voice] = []
    for grader in sorted(grades):
        given = grades[grader]
        voice = next((v for v in voices if _is_same(v.given, given)), None)
        if voice is None:
            voices.append(_Voice([grader], dict(given)))
        else:
            voice.graders.append(grader)
            voice.given.update(given)
    return voices


def _is_same(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Returns whether two graders graded several models alike."""
    common = one.keys() & other.keys()
    return len(common) > 1 and all(one[model_id] == other[model_id] for model_id in common)


def _probability(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))
