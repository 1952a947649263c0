"""Learns what the words of models are worth: decisions with feedback -> parameters of belief."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import TYPE_CHECKING

from scorer.belief.curve import Said, fit_curve
from scorer.belief.parameters import BeliefParameters
from scorer.belief.share import fit_share
from scorer.learning.belief.held_out import held_out
from scorer.learning.belief.rated_answers import rated_answers
from scorer.learning.traffic.traffic import TrafficError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from scorer.learning.belief.rated_answers import RatedAnswer
    from scorer.learning.traffic.traffic import Traffic

LEAST_FEEDBACK = 20
"""Fewest decisions with feedback that anything is learned from."""


def learn_belief(traffic: Traffic, *, now: datetime, source: Path) -> BeliefParameters:
    """Returns the parameters of belief, by what feedback says of the answers, and what they gain.

    The judge's own scores count as no feedback: they rest on the words that are to be weighed.

    Args:
        traffic: Decisions and feedback.
        now: The time that labels lose weight until.
        source: The path that an error names.

    Raises:
        TrafficError: There is too little feedback.
    """
    count = len(traffic.decisions)
    if count < LEAST_FEEDBACK:
        problem = f"{count} decisions have feedback, and at least {LEAST_FEEDBACK} are needed"
        raise TrafficError(source, [problem])
    answers = rated_answers(traffic, now=now)
    return dataclasses.replace(
        fit(answers),
        created=now.date().isoformat(),
        decision_count=count,
        held_out=held_out(answers, fit),
    )


def fit(answers: Sequence[RatedAnswer]) -> BeliefParameters:
    """Returns the parameters that answers show; they say nothing of where they come from."""
    self_scores: defaultdict[str, list[Said]] = defaultdict(list)
    grades: defaultdict[str, list[Said]] = defaultdict(list)
    texts: list[Said] = []
    for answer in answers:
        if answer.self_score is not None:
            self_scores[answer.model_id].append(_said(answer, answer.self_score))
        if answer.answer_score is not None:
            texts.append(_said(answer, answer.answer_score))
        for grader, score in answer.grades.items():
            grades[grader].append(_said(answer, score))
    return BeliefParameters(
        version="",
        created="",
        decision_count=0,
        text_share=fit_share(texts),
        self_scores={m: fit_curve(each) for m, each in sorted(self_scores.items())},
        grades={m: fit_curve(each) for m, each in sorted(grades.items())},
    )


def _said(answer: RatedAnswer, score: float) -> Said:
    return Said(prior=answer.prior, score=score, right=answer.right, weight=answer.weight)
