"""The labelled answers that the answer scorer learns from: features, prior scores, labels.

``records, answers, prior scores (N, M) -> one example per answer, and disguised copies of some``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.answers.answer_features import answer_features, read_query
from scorer.answers.answer_model import log_odds
from scorer.progress import track
from scorer.training.answers.disguises import KEEPING, fake_final_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from scorer.data.records import Record

    Floats = npt.NDArray[np.floating]

DISGUISED_SHARE = 0.12
"""Share of the answers that are learned from once more, in disguise."""
FAKE_SHARE = 0.25
"""Share of these that get another final answer, and so are wrong."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnswerExamples:
    """N answers by M models."""

    features: Floats
    """(N, F)."""
    odds: Floats
    """Log odds of the model's prior score for the query, (N,)."""
    models: npt.NDArray[np.intp]
    """The column of the model, (N,)."""
    targets: Floats
    """Score of the answer, in [0, 1], (N,)."""
    queries: npt.NDArray[np.intp]
    """The row of the query, (N,)."""
    model_ids: tuple[str, ...]

    def part(self, rows: npt.NDArray[np.bool_]) -> AnswerExamples:
        """Returns the given answers."""
        return AnswerExamples(
            features=self.features[rows],
            odds=self.odds[rows],
            models=self.models[rows],
            targets=self.targets[rows],
            queries=self.queries[rows],
            model_ids=self.model_ids,
        )


def make_answer_examples(
    records: Sequence[Record],
    answers: Sequence[Mapping[str, str]],
    priors: Floats,
    model_ids: Sequence[str],
    *,
    disguise_seed: int | None = None,
) -> AnswerExamples:
    """Returns an example for each answer that has a score.

    Args:
        records: N records.
        answers: The answers to each, by model.
        priors: Prior scores, (N, M).
        model_ids: The M models.
        disguise_seed: Decides which answers are learned from in disguise too; None: none.
    """
    columns = {model_id: column for column, model_id in enumerate(model_ids)}
    odds = log_odds(priors)
    features, rows = [], []
    draw = None if disguise_seed is None else np.random.default_rng(disguise_seed)
    for row, (record, given) in enumerate(
        zip(track(records, "Reading answers"), answers, strict=True)
    ):
        known = [model for model in given if model in record.scores and model in columns]
        texts = [given[model] for model in known]
        labels = [(columns[model], record.scores[model]) for model in known]
        if draw is not None:
            chosen = np.flatnonzero(draw.random(len(known)) < DISGUISED_SHARE)
            for index in chosen:
                text, label = _disguised(record.query, texts[index], labels[index], draw)
                texts.append(text)
                labels.append(label)
        features.append(answer_features(read_query(record.query), texts))
        rows += [(odds[row, column], column, target, row) for column, target in labels]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 4)
    return AnswerExamples(
        features=np.concatenate(features),
        odds=table[:, 0],
        models=table[:, 1].astype(np.intp),
        targets=table[:, 2],
        queries=table[:, 3].astype(np.intp),
        model_ids=tuple(model_ids),
    )


def _disguised(
    query: str, text: str, label: tuple[int, float], draw: np.random.Generator
) -> tuple[str, tuple[int, float]]:
    if draw.random() < FAKE_SHARE:
        return fake_final_line(query, text, draw), (label[0], 0.0)
    disguise = KEEPING[int(draw.integers(len(KEEPING)))]
    return disguise(query, text, draw), label
