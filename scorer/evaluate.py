"""How good scores are, against the labels of held-out records and beside simple baselines.

``scores (N, M), targets (N, M) -> ranking figures and calibration figures``

Anything that prefers some models to others is judged by the same function: an artifact by its
scores, the best single model by one row of training means, the oracle by the labels themselves.
NaN in ``targets`` is no label: that model is no candidate for that query.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.batches import length_buckets
from scorer.data.records import model_ids_of, targets_of
from scorer.progress import track

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.data.records import Record
    from scorer.runtime import Runtime

    Floats = npt.NDArray[np.floating]

CALIBRATION_BINS = 15
"""Equal-width bins of the expected calibration error, as in Guo et al. 2017."""


class NoKnownModelError(Exception):
    """Raised when records and artifact have no model in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingFigures:
    """What running the first-ranked models would have given, as means over queries."""

    mean_score: float
    """Score of the first-ranked model."""
    hit_at_1: float
    """Share of queries whose first-ranked model is among the best; a tie for best is a hit."""
    hit_at_3: float
    regret: float
    """Score lost against the best model of each query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFigures:
    """How far the scores are from being probabilities, over all labels."""

    loss: float
    """Mean binary cross-entropy."""
    brier: float
    calibration_error: float
    """Expected calibration error."""


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
    model_ids = [model_id for model_id in runtime.model_ids if model_id in set(labelled_ids)]
    kept = [record for record in records if not record.scores.keys().isdisjoint(model_ids)]
    if not kept:
        raise NoKnownModelError(f"no record has a score for a model that {runtime.version} knows")
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


def score_all(runtime: Runtime, texts: Sequence[str], batch_size: int) -> npt.NDArray[np.float32]:
    """Returns the scores of every text, (N, M), run in batches of like length."""
    queries = [runtime.tokenize(text) for text in texts]
    scores = np.empty((len(queries), len(runtime.model_ids)), dtype=np.float32)
    for rows in track(length_buckets(queries, batch_size), f"Scoring with {runtime.version}"):
        scores[rows] = runtime.score([queries[row] for row in rows])
    return scores


def ranking_figures(preferences: Floats, targets: Floats) -> RankingFigures:
    """Returns the figures of whatever prefers models in the order of ``preferences`` (N, M)."""
    ranked = _ranked_targets(preferences, targets)
    best = np.nanmax(targets, axis=1)
    first = ranked[:, 0]
    return RankingFigures(
        mean_score=float(first.mean()),
        hit_at_1=float((first == best).mean()),
        hit_at_3=float((np.nanmax(ranked[:, :3], axis=1) == best).mean()),
        regret=float((best - first).mean()),
    )


def random_figures(targets: Floats) -> RankingFigures:
    """Returns what a random order of the models gives, exactly and not by drawing one."""
    best = np.nanmax(targets, axis=1)
    means = np.nanmean(targets, axis=1)
    tied = (targets == best[:, None]).sum(axis=1)
    candidates = (~np.isnan(targets)).sum(axis=1)
    return RankingFigures(
        mean_score=float(means.mean()),
        hit_at_1=float((tied / candidates).mean()),
        hit_at_3=float(np.mean([_hit(3, t, n) for t, n in zip(tied, candidates, strict=True)])),
        regret=float((best - means).mean()),
    )


def calibration_figures(scores: Floats, targets: Floats) -> CalibrationFigures:
    """Returns how far the scores (N, M) are from being probabilities of the targets."""
    labelled = ~np.isnan(targets)
    predicted = np.asarray(scores[labelled], dtype=np.float64)
    observed = np.asarray(targets[labelled], dtype=np.float64)
    clipped = np.clip(predicted, 1e-7, 1 - 1e-7)
    losses = -(observed * np.log(clipped) + (1 - observed) * np.log1p(-clipped))
    bins = np.minimum((predicted * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    # |mean prediction - mean label| of a bin, weighted by its share, is |sum of differences| / N.
    gaps = np.bincount(bins, weights=predicted - observed, minlength=CALIBRATION_BINS)
    return CalibrationFigures(
        loss=float(losses.mean()),
        brier=float(np.square(predicted - observed).mean()),
        calibration_error=float(np.abs(gaps).sum() / len(predicted)),
    )


def _ranked_targets(preferences: Floats, targets: Floats) -> Floats:
    """Returns the targets (N, M) of each row, most preferred first, models without label last."""
    wanted = np.where(np.isnan(targets), -np.inf, preferences)
    order = np.argsort(-wanted, axis=1, kind="stable")
    ranked: Floats = np.take_along_axis(targets, order, axis=1)
    return ranked


def _hit(k: int, tied: int, candidates: int) -> float:
    """Returns the chance that k of the candidates, drawn at random, include one of the tied."""
    return 1 - math.comb(candidates - tied, k) / math.comb(candidates, min(k, candidates))


def _baselines(
    records: Sequence[Record], train: Sequence[Record], model_ids: Sequence[str]
) -> dict[str, Floats]:
    if not train:
        return {}
    single = _means(targets_of(train, model_ids))
    by_task = {
        task: _means(targets_of([record for record in train if record.task == task], model_ids))
        for task in {record.task for record in train}
    }
    return {
        "best single model": np.tile(single, (len(records), 1)),
        "best model per task": np.array([by_task.get(record.task, single) for record in records]),
    }


def _means(targets: Floats) -> Floats:
    """Returns each model's mean score, -1 for a model without any, so that it is preferred last."""
    counts = (~np.isnan(targets)).sum(axis=0)
    means: Floats = np.where(counts, np.nansum(targets, axis=0) / np.maximum(counts, 1), -1.0)
    return means
