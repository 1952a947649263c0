"""Learns what the words of models are worth: decisions with feedback -> parameters of belief."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import TYPE_CHECKING

from scorer.belief.curve import Said, fit_curve
from scorer.belief.parameters import BeliefParameters
from scorer.belief.share import fit_share
from scorer.learning.labelling import label
from scorer.learning.traffic.traffic import TrafficError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from scorer.learning.traffic.traffic import Traffic

LEAST_FEEDBACK = 20
"""Fewest decisions with feedback that anything is learned from."""


def learn_belief(traffic: Traffic, *, now: datetime, source: Path) -> BeliefParameters:
    """Returns the parameters of belief, by what feedback says of the answers.

    The judge's own scores count as no feedback: they rest on the words that are to be weighed.

    Args:
        traffic: Decisions and feedback.
        now: The time that labels lose weight until.
        source: The path that an error names.

    Raises:
        TrafficError: There is too little feedback.
    """
    rated = traffic.decisions
    if len(rated) < LEAST_FEEDBACK:
        problem = f"{len(rated)} decisions have feedback, and at least {LEAST_FEEDBACK} are needed"
        raise TrafficError(source, [problem])
    model_ids = sorted({model_id for decided in rated for model_id in decided.priors})
    labels = label(traffic, model_ids, now=now)
    self_scores: defaultdict[str, list[Said]] = defaultdict(list)
    grades: defaultdict[str, list[Said]] = defaultdict(list)
    texts: list[Said] = []
    for row, column, value, weight in zip(
        labels.rows, labels.models, labels.values.tolist(), labels.weights.tolist(), strict=True
    ):
        decided, model_id = rated[row], model_ids[column]
        turned_out = Said(prior=decided.priors[model_id], score=0.5, right=value, weight=weight)
        if model_id in decided.self_scores:
            own = dataclasses.replace(turned_out, score=decided.self_scores[model_id])
            self_scores[model_id].append(own)
        if model_id in decided.answer_scores:
            texts.append(dataclasses.replace(turned_out, score=decided.answer_scores[model_id]))
        for grader, given in decided.grades.items():
            if grader != model_id and model_id in given:
                grades[grader].append(dataclasses.replace(turned_out, score=given[model_id]))
    return BeliefParameters(
        version="",
        created=now.date().isoformat(),
        decision_count=len(rated),
        text_share=fit_share(texts),
        self_scores={m: fit_curve(each) for m, each in sorted(self_scores.items())},
        grades={m: fit_curve(each) for m, each in sorted(grades.items())},
    )
