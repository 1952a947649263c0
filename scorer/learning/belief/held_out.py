"""The gain of learned words over none, on queries that they were not learned from.

The queries are cut into folds. For each fold, the parameters are fitted on the others, and the log loss
of "the answer is right" is compared: by the prior score and the answer scorer alone, less by all words.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from scorer.belief.curve import log_odds
from scorer.belief.parameters import HeldOut
from scorer.belief.share import TEXT_SHARE
from scorer.measures.benefit import Verdict, verdict_of
from scorer.measures.intervals import Interval, bootstrap_means, interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scorer.belief.parameters import BeliefParameters
    from scorer.learning.belief.rated_answers import RatedAnswer

FOLDS = 5
SEED = 1


def held_out(
    answers: Sequence[RatedAnswer], fit: Callable[[Sequence[RatedAnswer]], BeliefParameters]
) -> HeldOut:
    """Returns the gain in log loss, in nats per answer, with its 95 % interval over queries.

    Args:
        answers: Rated answers, at least one.
        fit: Returns the parameters that some answers show.
    """
    folds = [_fold(answer.query) for answer in answers]
    sums: defaultdict[str, float] = defaultdict(float)
    weights: defaultdict[str, float] = defaultdict(float)
    for fold in range(FOLDS):
        learned = fit([a for a, f in zip(answers, folds, strict=True) if f != fold])
        for answer in (a for a, f in zip(answers, folds, strict=True) if f == fold):
            without = _loss(_without_words(answer), answer)
            sums[answer.query] += answer.weight * (
                without - _loss(_with_words(answer, learned), answer)
            )
            weights[answer.query] += answer.weight
    counted = [query for query, weight in weights.items() if weight > 0]
    if not counted:
        return HeldOut(answer_count=0, gain=0.0, low=0.0, high=0.0)
    gains = np.array([sums[query] / weights[query] for query in counted])
    shares = np.array([weights[query] for query in counted])
    resampled = bootstrap_means(gains[:, None], ["all"] * len(gains), seed=SEED, weights=shares)
    found = interval(float(np.average(gains, weights=shares)), resampled[:, 0])
    return HeldOut(answer_count=len(answers), gain=found.mean, low=found.low, high=found.high)


def verdict(found: HeldOut) -> Verdict:
    """Returns the finding about the gain."""
    return verdict_of(Interval(mean=found.gain, low=found.low, high=found.high))


def sentence(found: HeldOut) -> str:
    """Returns the finding in words."""
    words = {
        Verdict.BETTER: "make beliefs better",
        Verdict.UNCLEAR: "are not shown to help",
        Verdict.WORSE: "make beliefs worse",
    }[verdict(found)]
    return (
        f"The words {words}: the log loss falls by {found.gain:.3f} "
        f"[{found.low:.3f}, {found.high:.3f}] on {found.answer_count} held-out answers"
    )


def _without_words(answer: RatedAnswer) -> float:
    return log_odds(answer.prior) + TEXT_SHARE * _of_text(answer)


def _with_words(answer: RatedAnswer, learned: BeliefParameters) -> float:
    """Returns the log odds of an answer as the judge adds them, except for graders that grade alike."""
    odds = log_odds(answer.prior) + learned.text_share * _of_text(answer)
    own = learned.self_scores.get(answer.model_id)
    if answer.self_score is not None and own is not None:
        odds += own.evidence(answer.self_score)
    for grader, score in answer.grades.items():
        curve = learned.grades.get(grader)
        odds += 0.0 if curve is None else curve.evidence(score)
    return odds


def _of_text(answer: RatedAnswer) -> float:
    if answer.answer_score is None:
        return 0.0
    return log_odds(answer.answer_score) - log_odds(answer.prior)


def _loss(odds: float, answer: RatedAnswer) -> float:
    """Returns the log loss of log odds, in nats."""
    return float(np.logaddexp(0.0, odds)) - answer.right * odds


def _fold(query: str) -> int:
    digest = hashlib.blake2b(query.encode("utf-8", "replace"), digest_size=4).digest()
    return int.from_bytes(digest) % FOLDS
