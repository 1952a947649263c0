"""Results of a comparison -> the sections of its page, one per test of a pool."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scorer.evaluation.figures import REFERENCE
from scorer.reports.page import Picture, Section
from scorer.reports.pictures.bars import hits_of_methods
from scorer.reports.pictures.coverage import coverage
from scorer.reports.pictures.forest import forest
from scorer.reports.pictures.frontier import frontier
from scorer.reports.pictures.reliability import height_of_grid, reliabilities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scorer.evaluation.figures import MethodFigures
    from scorer.evaluation.results import TestResult

BOUNDS = ("random", "oracle")
"""They say where the floor and the ceiling are; of a curve they would only flatten the others."""


def comparison_sections(results: Sequence[TestResult]) -> list[Section]:
    """Returns the sections in the order of the results."""
    return [_section(result) for result in results]


def _section(result: TestResult) -> Section:
    methods = result.methods
    pictures = [_gain(result), _hits(result)]
    if any(found.curves.frontier for found in methods.values()):
        pictures.append(_frontier(result))
    pictures += [_reliability(result), _coverage(result)]
    seeds = "Every figure is the mean over the seeds; intervals are over resampled queries."
    return Section(title=result.title, sentences=(seeds,), pictures=tuple(pictures))


def _gain(result: TestResult) -> Picture:
    gains = {
        name: found.differences[REFERENCE]
        for name, found in result.methods.items()
        if REFERENCE in found.differences and name not in BOUNDS
    }
    return Picture(
        name=_name(result, "gain"),
        title="Does choosing by query beat always taking the best single model?",
        caption="Mean score of the first choice less that of the model that was best on the "
        "training data, with 95 % intervals. Grey: the interval holds zero.",
        size=(10, 1.0 + 0.38 * len(gains)),
        draw=partial(forest, intervals=gains, label="mean score less best single model's"),
    )


def _hits(result: TestResult) -> Picture:
    return Picture(
        name=_name(result, "hits"),
        title="How often is one of the best models among the first one and three?",
        caption="The three are those that would run together: a method's team, or its three best "
        "scores. A tie for best is a hit; where many models are right, chance hits often too: hold "
        "every bar against random.",
        size=(10, 1.0 + 0.38 * len(result.methods)),
        draw=partial(
            hits_of_methods,
            hits_at_1=_means(result.methods, "hit_at_1"),
            hits_at_3=_means(result.methods, "team_hit"),
        ),
    )


def _frontier(result: TestResult) -> Picture:
    curves = {
        name: found.curves.frontier
        for name, found in result.methods.items()
        if found.curves.frontier and name not in BOUNDS
    }
    return Picture(
        name=_name(result, "frontier"),
        title="What does a dollar buy?",
        caption="Mean score against mean cost (log scale) as cost is made to matter more and more; "
        "each diamond is always taking one model. Higher and further left is better.",
        size=(10, 6),
        draw=partial(frontier, curves=curves, models=result.single_models),
    )


def _reliability(result: TestResult) -> Picture:
    methods = {name: found for name, found in result.methods.items() if name not in BOUNDS}
    errors = _means(methods, "calibration_error")
    briers = _means(methods, "brier")
    return Picture(
        name=_name(result, "reliability"),
        title="Is a score the probability that it says it is?",
        caption="How often a model was right against the score it had; on the dashed line, scores "
        "are probabilities. Larger dots hold more labels; bins with fewer than 10 are left out.",
        size=(10, height_of_grid(len(methods))),
        draw=partial(
            reliabilities,
            curves={name: found.curves.reliability for name, found in methods.items()},
            titles={
                name: f"{name}\nECE {errors[name]:.3f}  Brier {briers[name]:.3f}"
                for name in methods
            },
        ),
    )


def _coverage(result: TestResult) -> Picture:
    curves = {
        name: found.curves.coverage for name, found in result.methods.items() if name != "oracle"
    }
    return Picture(
        name=_name(result, "coverage"),
        title="Does it know which queries it will do well on?",
        caption="Mean score over the queries with the highest best score. A method that does not "
        "know is flat.",
        size=(10, 5),
        draw=partial(coverage, curves=curves),
    )


def _means(methods: Mapping[str, MethodFigures], figure: str) -> dict[str, float]:
    return {name: found.figures[figure].mean for name, found in methods.items()}


def _name(result: TestResult, what: str) -> str:
    return f"{result.pool}-{result.test}-{what}"
