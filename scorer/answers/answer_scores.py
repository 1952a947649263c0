"""Scores the answers to one query: query, answers by model, prior scores -> scores by model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorer.answers.answer_features import answer_features, read_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scorer.answers.answer_model import AnswerModel


def answer_scores(
    model: AnswerModel, query: str, answers: Mapping[str, str], priors: Mapping[str, float]
) -> dict[str, float]:
    """Returns how likely each answer is right, by model id.

    Args:
        model: The answer scorer.
        query: The query.
        answers: At least one answer, by model id.
        priors: The scorer's score of each of these models for the query, in [0, 1].
    """
    models = list(answers)
    features = answer_features(read_query(query), list(answers.values()))
    scores = model.scores(features, models, np.array([priors[model_id] for model_id in models]))
    return dict(zip(models, scores.tolist(), strict=True))
