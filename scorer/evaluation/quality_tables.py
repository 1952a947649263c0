"""Tables and findings of a comparison as Markdown: one column per test, one row per method."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from scorer.evaluation.dataset import ALL_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scorer.evaluation.figures import MethodFigures, Spread
    from scorer.evaluation.results import TestResult
    from scorer.measures.intervals import Interval

    Differences = Callable[[MethodFigures], Mapping[str, Interval]]

OURS = "routemoa"

TITLES = {
    "random": "random",
    "best_single": "best single model (train)",
    "best_per_task": "best model of the task, told the task",
    "knn": "kNN",
    "linear": "linear",
    "mlp": "MLP",
    "matrix_factorization": "matrix factorization",
    "routerdc_published": "RouterDC losses as published",
    "routerdc": "RouterDC losses, fixed",
    OURS: "**ours**",
    "oracle": "oracle",
}
"""Names of the methods on the page."""

UNLEARNED = ("random", "best_single", "best_per_task", "oracle", OURS)
"""Methods that are no baseline that learns from queries."""

BEST_BASELINE = "the best of the baselines that learn from queries, in hindsight"

PARTS = {ALL_ROWS: ", all rows", "test_ood": " OOD"}


def score_differences(figures: MethodFigures) -> Mapping[str, Interval]:
    """Returns the differences of the mean score from other methods."""
    return figures.differences


def hit_differences(figures: MethodFigures) -> Mapping[str, Interval]:
    """Returns the differences of the hits of the three that run from other methods."""
    return figures.hit_at_3_differences


def method_table(results: Sequence[TestResult], cell: Callable[[MethodFigures], str]) -> str:
    """Returns one row per method, one column per test."""
    rows = [
        [TITLES.get(name, name), *(cell(result.methods[name]) for result in results)]
        for name in results[0].methods
    ]
    return markdown_lines(["method", *map(column, results)], rows)


def difference_table(results: Sequence[TestResult], read: Differences) -> str:
    """Returns one row per other method, one column per test."""
    rows = [
        [f"less {title}", *(_signed(each) for each in intervals)]
        for title, intervals in _compared(results, read).items()
    ]
    return markdown_lines(["ours", *map(column, results)], rows)


def findings(results: Sequence[TestResult], read: Differences) -> list[str]:
    """Returns a sentence per other method; rows that are in another column do not count again."""
    kept = [index for index, result in enumerate(results) if result.test != ALL_ROWS]
    columns = [column(results[index], with_count=False) for index in kept]
    return [
        line
        for title, intervals in _compared(results, read).items()
        for line in wrapped(_finding(title, columns, [intervals[index] for index in kept]))
    ]


def _finding(title: str, columns: Sequence[str], intervals: Sequence[Interval]) -> str:
    better = [name for name, each in zip(columns, intervals, strict=True) if each.low > 0]
    worse = [name for name, each in zip(columns, intervals, strict=True) if each.high < 0]
    return (
        f"- Ours less {title}: better on {', '.join(better) or 'none'}; worse on "
        f"{', '.join(worse) or 'none'}; within the interval on "
        f"{len(columns) - len(better) - len(worse)} of {len(columns)}."
    )


def _compared(results: Sequence[TestResult], read: Differences) -> dict[str, list[Interval]]:
    """Returns the differences of ours from each other method, by its title, one per test."""
    names = [name for name in results[0].methods if name not in (OURS, "random", "oracle")]
    found = {
        TITLES.get(name, name): [read(result.methods[OURS])[name] for result in results]
        for name in names
    }
    baselines = [name for name in names if name not in UNLEARNED]
    if len(baselines) > 1:
        # The smallest difference is that from the best.
        found[BEST_BASELINE] = [
            min(
                (read(result.methods[OURS])[name] for name in baselines), key=lambda each: each.mean
            )
            for result in results
        ]
    return found


def column(result: TestResult, *, with_count: bool = True) -> str:
    """Returns the name of a test, with its number of queries."""
    name = f"{result.pool}{PARTS.get(result.test, '')}"
    return f"{name} ({result.query_count:,})" if with_count else name


def markdown_lines(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table."""
    cells = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def wrapped(sentence: str, width: int = 100) -> list[str]:
    """Returns an item of a list in lines of at most ``width``."""
    return textwrap.wrap(sentence, width, subsequent_indent="  ", break_on_hyphens=False)


def percent(spread: Spread) -> str:
    """Returns a share in percent, with its deviation unless that rounds to 0."""
    shown = f"{100 * spread.mean:.1f}"
    return shown if spread.std < 5e-4 else f"{shown} ± {100 * spread.std:.1f}"


def fraction(spread: Spread) -> str:
    """Returns a small number, with its deviation unless that rounds to 0."""
    return f"{spread.mean:.3f}" + (f" ± {spread.std:.3f}" if spread.std >= 5e-4 else "")


def _signed(each: Interval) -> str:
    mean, low, high = (100 * value for value in (each.mean, each.low, each.high))
    # Adding zero turns -0.0 into 0.0.
    return "{:+.1f} [{:+.1f}, {:+.1f}]".format(*(round(v, 1) + 0.0 for v in (mean, low, high)))
