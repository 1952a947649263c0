"""Makes the sections of an artifact's page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from scorer.evaluation.curves import Curve, reliability_curve
from scorer.measures.calibration import calibration_by_model, calibration_figures
from scorer.measures.coverage import fallback_curve
from scorer.measures.ranking import hits_by_count, mean_by_model, random_hits_by_count
from scorer.reports import style
from scorer.reports.page import Picture, Section
from scorer.reports.pictures import bars, coverage_plot, dumbbells, histogram, learning_plot
from scorer.reports.pictures.forest import forest
from scorer.reports.pictures.heat_map import heat_map, size_of_map
from scorer.reports.pictures.marks import Mark
from scorer.reports.pictures.reliability import height_of_grid, reliabilities, reliability

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.measures.benefit import Benefit
    from scorer.reports.changes import Changes
    from scorer.reports.evidence import Evidence
    from scorer.reports.learning_curve import LearningCurve

MOST_HITS = 5
"""Largest team size that hits are drawn for."""

MOST_COLUMNS = 20
COLUMNS_SHOWN = f"At most {MOST_COLUMNS} models, those chosen most often first, then the best."

UNCERTAINTY_MARKS = {
    "uncertainty of the artifact": Mark(colour=style.BLUE, width=2.8),
    "1 - best score": Mark(colour=style.ORANGE, dash="--", width=2.0),
    "always the best single model": Mark(colour=style.BLACK, dash=":"),
    "a random uncertainty": Mark(colour=style.GREY, dash=":"),
}


def artifact_sections(
    evidence: Evidence,
    benefit: Benefit | None,
    changed: Changes | None,
    learned: LearningCurve | None,
) -> list[Section]:
    """Returns the sections; those without content are left out."""
    sections = [_choices(evidence, benefit), _probabilities(evidence)]
    if learned:
        sections.append(_learning(learned))
    if changed:
        sections.append(_changes(changed))
    return sections


def _choices(evidence: Evidence, benefit: Benefit | None) -> Section:
    gain = float(evidence.outcomes.mean() - evidence.safe_outcomes.mean())
    summary = (
        f"{evidence.version} on {len(evidence.targets)} queries and {len(evidence.model_ids)} "
        f"models. Its first choices score {evidence.outcomes.mean():.4f} on average, {gain:+.4f} "
        f"against always taking {evidence.model_ids[evidence.best_single]}, the best single model "
        "of the training records."
    )
    measured = (f"{benefit.sentence()}, as measured in training.",) if benefit else ()
    pictures = (hits(evidence), first_choices_by_task(evidence), scores_by_task(evidence))
    return Section(title="Choices", sentences=(summary, *measured), pictures=pictures)


def _probabilities(evidence: Evidence) -> Section:
    sentences = ("A score is meant to be the probability of a good answer.",)
    pictures = (
        overall_reliability(evidence),
        reliability_by_model(evidence),
        fallback(evidence),
        score_histogram(evidence),
    )
    return Section(title="Probabilities", sentences=sentences, pictures=pictures)


def hits(evidence: Evidence) -> Picture:
    """Draws how often a best model is among the first k, for four ways to choose them."""
    most = min(MOST_HITS, len(evidence.model_ids))
    targets = evidence.targets
    found = {
        "first by score": hits_by_count(evidence.scores, targets, most),
        "complementary team": hits_by_count(evidence.teams, targets, most),
        "best on training records": hits_by_count(evidence.train_preferences, targets, most),
        "random": random_hits_by_count(targets, most),
    }
    return Picture(
        name="hits",
        title="How often is one of the best models among those that would run?",
        caption="A tie for best is a hit; where many models are right, chance hits often too.",
        size=(10, 4.8),
        draw=partial(
            bars.hits_by_count, hits={name: each.tolist() for name, each in found.items()}
        ),
    )


def first_choices_by_task(evidence: Evidence) -> Picture:
    """Draws the first choices of each task."""
    chosen = np.eye(len(evidence.model_ids))[evidence.first_choices][:, _shown(evidence)]
    shares = np.array([chosen[rows].mean(axis=0) for rows in _rows_by_task(evidence).values()])
    return Picture(
        name="first-choices",
        title="Which model does it choose for which task?",
        caption="Percent of the task's queries for which the model is the first choice; the ring is "
        "on the model chosen most. The scorer does not know the task. " + COLUMNS_SHOWN,
        size=size_of_map(*shares.shape),
        draw=partial(
            heat_map,
            values=shares,
            rows=list(_rows_by_task(evidence)),
            columns=[evidence.model_ids[column] for column in _shown(evidence)],
            label="share of first choices",
        ),
    )


def scores_by_task(evidence: Evidence) -> Picture:
    """Draws the mean score of each model in each task."""
    targets = evidence.targets[:, _shown(evidence)]
    means = np.array([mean_by_model(targets[rows]) for rows in _rows_by_task(evidence).values()])
    return Picture(
        name="scores-by-task",
        title="Which model is really best at which task?",
        caption="Mean score of always taking the model, in percent; the ring is on the best. White: "
        "no label. " + COLUMNS_SHOWN,
        size=size_of_map(*means.shape),
        draw=partial(
            heat_map,
            values=np.where(means < 0, np.nan, means),
            rows=list(_rows_by_task(evidence)),
            columns=[evidence.model_ids[column] for column in _shown(evidence)],
            label="mean score",
        ),
    )


def overall_reliability(evidence: Evidence) -> Picture:
    """Draws the reliability diagram of all models together."""
    figures = calibration_figures(evidence.scores, evidence.targets)
    legend = f"ECE {figures.calibration_error:.4f}, Brier {figures.brier:.4f}"
    return Picture(
        name="reliability",
        title="Is a score the probability of a good answer?",
        caption="How often models were right against the score they had, over all models; on the "
        "dashed line, scores are probabilities. Below: how many labels each bin has.",
        size=(6.5, 6.5),
        draw=partial(
            reliability,
            curve=reliability_curve(evidence.scores, evidence.targets),
            legend=legend,
        ),
    )


def reliability_by_model(evidence: Evidence) -> Picture:
    """Draws a small reliability diagram of each model."""
    curves, titles = {}, {}
    for column, figures in enumerate(calibration_by_model(evidence.scores, evidence.targets)):
        if figures:
            model_id = evidence.model_ids[column]
            curves[model_id] = reliability_curve(
                evidence.scores[:, [column]], evidence.targets[:, [column]]
            )
            titles[model_id] = (
                f"{model_id}\nECE {figures.calibration_error:.3f}  Brier {figures.brier:.3f}"
            )
    return Picture(
        name="reliability-by-model",
        title="... and for each model alone?",
        caption="Larger dots hold more labels; bins with fewer than 10 are left out.",
        size=(11, height_of_grid(len(curves))),
        draw=partial(reliabilities, curves=curves, titles=titles),
    )


def fallback(evidence: Evidence) -> Picture:
    """Draws the score by the share of queries that the scorer decides, the surest first."""
    ours, safe = evidence.outcomes, evidence.safe_outcomes
    lines = {
        "uncertainty of the artifact": _fallback(evidence.uncertainty, ours, safe),
        "1 - best score": _fallback(1 - evidence.scores.max(axis=1), ours, safe),
        "always the best single model": _line(safe, safe),
        "a random uncertainty": _line(safe, ours),
    }
    return Picture(
        name="fallback",
        title="What if queries it is unsure of went to the best single model?",
        caption="Mean score of all queries. Left: all go to the best single model. Right: the scorer "
        "decides all. An uncertainty is useful where its line is above the straight one.",
        size=(9, 5),
        draw=partial(coverage_plot.fallback, curves=lines, marks=UNCERTAINTY_MARKS),
    )


def score_histogram(evidence: Evidence) -> Picture:
    """Draws the distribution of the scores."""
    return Picture(
        name="score-histogram",
        title="Which scores does it give?",
        caption="Of all models, and of the first choice of each query.",
        size=(9, 4),
        draw=partial(
            histogram.score_histogram,
            scores=evidence.scores,
            best_scores=evidence.scores.max(axis=1),
        ),
    )


def _learning(learned: LearningCurve) -> Section:
    picture = Picture(
        name="learning-curve",
        title="What would more records be worth?",
        caption="Mean score of the first choice of scorers that learned from 10, 20, 50 and 100 % of "
        "the training records, with 95 % intervals.",
        size=(9, 4.8),
        draw=partial(
            learning_plot.learning_curve, scores=learned.scores, best_single=learned.best_single
        ),
    )
    return Section(title="Learning", sentences=(), pictures=(picture,))


def _changes(changed: Changes) -> Section:
    moves = (
        f"Over the {changed.record_count} records that both artifacts can judge, "
        f"{100 * changed.moved:.1f} % have another first choice."
    )
    models = (
        f"Models added: {', '.join(changed.added) or 'none'}. "
        f"Models removed: {', '.join(changed.removed) or 'none'}."
    )
    gain = Picture(
        name="gain",
        title="Is it better than the previous artifact?",
        caption="Mean score of the first choice, now minus before, with 95 % intervals. Grey: the "
        "interval contains zero.",
        size=(10, 1.0 + 0.34 * len(changed.gains)),
        draw=partial(forest, intervals=changed.gains, label="mean score, now minus before"),
    )
    chosen = {
        model_id: share
        for model_id, share in changed.shares_now.items()
        if share or changed.shares_before.get(model_id)
    }
    moved = Picture(
        name="first-choices-before-and-now",
        title="Which models are chosen more, and which less?",
        caption="Share of the queries for which a model is the first choice; models that never are, "
        "before and now, are left out.",
        size=(9, 1.3 + 0.32 * len(chosen)),
        draw=partial(dumbbells.first_choices, before=changed.shares_before, now=chosen),
    )
    return Section(title="Changes", sentences=(moves, models), pictures=(gain, moved))


def _shown(evidence: Evidence) -> list[int]:
    """Returns the columns to show: those chosen most often first, then the best."""
    chosen = np.bincount(evidence.first_choices, minlength=len(evidence.model_ids))
    order: list[int] = np.lexsort((-mean_by_model(evidence.targets), -chosen)).tolist()
    return order[:MOST_COLUMNS]


def _rows_by_task(evidence: Evidence) -> dict[str, npt.NDArray[np.intp]]:
    tasks = np.array(evidence.tasks)
    return {task: np.flatnonzero(tasks == task) for task in sorted(set(evidence.tasks))}


def _fallback(
    uncertainty: npt.NDArray[np.floating],
    ours: npt.NDArray[np.floating],
    safe: npt.NDArray[np.floating],
) -> Curve:
    found = fallback_curve(uncertainty, ours, safe)
    return Curve(x=tuple(found.coverages.tolist()), y=tuple(found.scores.tolist()))


def _line(start: npt.NDArray[np.floating], end: npt.NDArray[np.floating]) -> Curve:
    return Curve(x=(0.0, 1.0), y=(float(start.mean()), float(end.mean())))
