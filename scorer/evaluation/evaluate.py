"""How good an artifact is, against the labels of held-out records and beside simple baselines.

``records -> scores (N, M), targets (N, M) -> ranking figures and calibration figures``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import model_ids_of, targets_of
from scorer.measures.calibration import calibration_figures
from scorer.measures.ranking import mean_by_model, random_figures, ranking_figures
from scorer.progress import track
from scorer.runtime.batches import length_buckets

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.data.records import Record
    from scorer.measures.calibration import CalibrationFigures
    from scorer.measures.ranking import RankingFigures
    from scorer.runtime.runtime import Runtime

    Floats = npt.NDArray[np.floating]


class NoKnownModelError(Exception):
    """Raised when records and artifact have no model in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """An artifact on a set of records, with the baselines beside it."""

    version: str
    query_count: int
    unlabelled_query_count: int
    """Queries left out because no model that the scorer knows has a label."""
    model_count: int
    unknown_model_ids: tuple[str, ...]
    """Models with labels that the scorer does not know; left out of the baselines too."""
    rankings: dict[str, RankingFigures]
    """By name of the ranker; ``scorer`` is the artifact."""
    calibration: CalibrationFigures


def evaluate(
    runtime: Runtime, records: Sequence[Record], *, train: Sequence[Record], batch_size: int
) -> Evaluation:
    """Evaluates an artifact.

    Args:
        runtime: The artifact.
        records: The records to evaluate on.
        train: Other records, from which the baselines learn; with none, those baselines are absent.
        batch_size: Queries scored together.

    Raises:
        NoKnownModelError: No record has a label for a model that the scorer knows.
    """
    labelled_ids = model_ids_of(records)
    model_ids, kept = known_part(runtime, records)
    columns = [runtime.model_ids.index(model_id) for model_id in model_ids]
    scores = score_all(runtime, [record.query for record in kept], batch_size)[:, columns]
    targets = targets_of(kept, model_ids)
    rankings = {"scorer": ranking_figures(scores, targets), "random": random_figures(targets)}
    for name, preferences in _baselines(kept, train, model_ids).items():
        rankings[name] = ranking_figures(preferences, targets)
    rankings["oracle"] = ranking_figures(targets, targets)
    return Evaluation(
        version=runtime.version,
        query_count=len(kept),
        unlabelled_query_count=len(records) - len(kept),
        model_count=len(model_ids),
        unknown_model_ids=tuple(sorted(set(labelled_ids) - set(model_ids))),
        rankings=rankings,
        calibration=calibration_figures(scores, targets),
    )


def known_part(runtime: Runtime, records: Sequence[Record]) -> tuple[tuple[str, ...], list[Record]]:
    """Returns the models that artifact and records both know, and the records with a label of one.

    Raises:
        NoKnownModelError: There is no such record.
    """
    labelled = set(model_ids_of(records))
    model_ids = tuple(model_id for model_id in runtime.model_ids if model_id in labelled)
    kept = [record for record in records if not record.scores.keys().isdisjoint(model_ids)]
    if not kept:
        raise NoKnownModelError(f"no record has a score for a model that {runtime.version} knows")
    return model_ids, kept


def score_all(runtime: Runtime, texts: Sequence[str], batch_size: int) -> npt.NDArray[np.float32]:
    """Returns the scores of every text, (N, M), run in batches of like length."""
    queries = [runtime.tokenize(text) for text in texts]
    scores = np.empty((len(queries), len(runtime.model_ids)), dtype=np.float32)
    for rows in track(length_buckets(queries, batch_size), f"Scoring with {runtime.version}"):
        scores[rows] = runtime.score([queries[row] for row in rows])
    return scores


def _baselines(
    records: Sequence[Record], train: Sequence[Record], model_ids: Sequence[str]
) -> dict[str, Floats]:
    if not train:
        return {}
    single = mean_by_model(targets_of(train, model_ids))
    by_task = {
        task: mean_by_model(
            targets_of([record for record in train if record.task == task], model_ids)
        )
        for task in {record.task for record in train}
    }
    return {
        "best single model": np.tile(single, (len(records), 1)),
        "best model per task": np.array([by_task.get(record.task, single) for record in records]),
    }
