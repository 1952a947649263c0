"""Decisions and feedback -> labels of single answers, each with a weight.

Feedback labels the model that wrote the final answer. The rest is evidence that nobody gave on purpose,
and counts less. A label loses half of its weight in ``HALF_LIFE_DAYS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.learning.labels import Labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from scorer.learning.traffic.decided import Decided
    from scorer.learning.traffic.feedback_line import Feedback
    from scorer.learning.traffic.traffic import Traffic

FEEDBACK_WEIGHT = 1.0
AGREEMENT_WEIGHT = 0.3
"""Of a model whose answer agrees with one that has feedback, or differs from one that is good."""

GOOD = 0.5
"""Feedback from which on an answer that disagrees is likely wrong."""

HALF_LIFE_DAYS = 30.0
"""Models behind a name, prompts and users change over months; a month holds enough labels."""

LEAST_WEIGHT = 0.01
"""Labels that count less are left out: older than seven half-lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    model_id: str
    value: float
    weight: float


def label(traffic: Traffic, model_ids: Sequence[str], *, now: datetime) -> Labels:
    """Returns the labels of some models; a label's row is the place of its decision."""
    columns = {model_id: column for column, model_id in enumerate(model_ids)}
    tenants = {each: n for n, each in enumerate(dict.fromkeys(d.tenant for d in traffic.decisions))}
    found: list[tuple[int, int, int, float, float]] = []
    for row, decided in enumerate(traffic.decisions):
        age_days = max((now - decided.time).total_seconds() / 86_400, 0.0)
        fresh = 0.5 ** (age_days / HALF_LIFE_DAYS)
        if fresh < LEAST_WEIGHT:
            continue
        for one in _labels(decided, traffic.feedback[decided.id]):
            if one.model_id in columns:
                column = columns[one.model_id]
                rater = tenants[decided.tenant]
                found.append((row, column, rater, one.value, one.weight * fresh))
    table = np.array(found, dtype=np.float64).reshape(-1, 5)
    return Labels(
        rows=table[:, 0].astype(np.intp),
        models=table[:, 1].astype(np.intp),
        raters=table[:, 2].astype(np.intp),
        values=table[:, 3],
        weights=table[:, 4],
        rater_count=max(len(tenants), 1),
    )


def feedback_score(decided: Decided, feedback: Sequence[Feedback]) -> float:
    """Returns the mean feedback on the final answer.

    A better answer, or another preferred model, without a score says that it was not good.
    """
    values = []
    for each in feedback:
        preferred = each.preferred_model_id == decided.final_model_id
        if each.score is not None:
            values.append(each.score)
        else:
            # Without texts, a better answer leaves no trace but feedback that says nothing else.
            values.append(float(preferred and not each.has_better_answer))
    return sum(values) / len(values)


def _labels(decided: Decided, feedback: Sequence[Feedback]) -> Iterator[_Label]:
    score, final = feedback_score(decided, feedback), decided.final_model_id
    yield _Label(model_id=final, value=score, weight=FEEDBACK_WEIGHT)
    preferred = {each.preferred_model_id for each in feedback} & decided.answered
    for model_id in sorted(preferred - {final}):
        yield _Label(model_id=model_id, value=1.0, weight=FEEDBACK_WEIGHT)
    for model_id, agrees in decided.agrees.items():
        if model_id == final or model_id in preferred:
            continue
        if agrees:
            yield _Label(model_id=model_id, value=score, weight=AGREEMENT_WEIGHT)
        elif score > GOOD:
            yield _Label(model_id=model_id, value=1 - score, weight=AGREEMENT_WEIGHT)
