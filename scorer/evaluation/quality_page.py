"""Writes the page of a comparison: tables, and findings in words, as Markdown.

``results of each kind of features -> one column per test, one row per method -> text``

No sentence has a figure of its own: a new run gives a new page, and nothing on it can go stale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.evaluation.dataset import Features
from scorer.evaluation.quality_tables import (
    OURS,
    TITLES,
    column,
    difference_table,
    findings,
    fraction,
    hit_differences,
    markdown_lines,
    method_table,
    percent,
    score_differences,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scorer.evaluation.quality_tables import Differences
    from scorer.evaluation.results import TestResult

FEATURE_TITLES = {
    Features.NGRAMS: "With n-grams",
    Features.ENCODER: "With an encoder and n-grams",
}

HEAD = """# How well the scorer ranks

Methods side by side on public routing data: what would running each method's choice have given?

    ROUTEMOA_DATA=... python -m scorer compare {options} \\
      --markdown docs/benchmarks/scorer-quality.md

wrote this page, its findings included. Finished runs are kept below `build/compare`, so a command
that was stopped goes on where it was. Its results are drawn as pictures by
`python -m scorer report compare build/compare/ngrams --output build/report`.

{features}
- {seeds} seeds: mean ± standard deviation, which is left out where it rounds to 0. Intervals in
  brackets are 95 %, paired, from 10,000 resamples of the test queries. *Better* and *worse* mean
  beyond the interval.
- Every hyper-parameter is chosen on training data. No method sees a test label; the types enforce
  it (`scorer/evaluation/dataset.py`).
- Test files hold 85 % of the sources' test rows. `routerdc7` uses RouterDC's metric, the mean of
  its tasks' means; the others are means over queries.
- OOD (out of distribution): tasks of which there is no training record. *All rows*: both tests of a
  pool together.

Why the scorer is built as it is: [scorer choices](scorer-choices.md).
"""

READ_FEATURES = {
    Features.NGRAMS: "hashed n-grams, projected to 128 numbers (fitted to the training texts)",
    Features.ENCODER: "the mean of three layers of all-MiniLM-L6-v2, beside those n-grams",
}


def quality_page(results: Mapping[Features, Sequence[TestResult]], *, seeds: int) -> str:
    """Returns the page; tables besides those of the first choice are of the first features."""
    found = list(next(iter(results.values())))
    options = " ".join(f"--features {kind}" for kind in results)
    read = "; or ".join(READ_FEATURES[kind] for kind in results)
    features = "\n".join(wrapped(f"- **All methods read the same features**: {read}."))
    sections = [HEAD.format(options=options, features=features, seeds=seeds)]
    sections.append("## The first choice\n\nMean score of the first-ranked model, in percent.\n")
    sections += [_first_choices(kind, each) for kind, each in results.items()]
    sections.append(_teams(found))
    sections.append(_probabilities(found))
    sections.append(_surest(found))
    sections.append(_costs(found))
    return "\n".join(section for section in sections if section)


def _first_choices(kind: Features, results: Sequence[TestResult]) -> str:
    scores = method_table(results, lambda each: percent(each.figures["mean_score"]))
    lines = [f"### {FEATURE_TITLES[kind]}", "", scores, ""]
    return "\n".join([*lines, *_ours_less_others(results, score_differences)])


def _ours_less_others(results: Sequence[TestResult], differences: Differences) -> list[str]:
    """Returns the table of differences and its findings, if ours was measured."""
    if not all(OURS in result.methods for result in results):
        return []
    table = difference_table(results, differences)
    return ["Ours less others, in points:", "", table, "", *findings(results, differences), ""]


def _teams(results: Sequence[TestResult]) -> str:
    table = method_table(results, lambda each: percent(each.figures["team_hit"]))
    lines = [
        "## The three that run",
        "",
        "A layer runs three models, and it wins if one of them is among the best of the query. Ours",
        "chooses the team by the rule that its held-out training queries picked",
        "([ADR 24](../adr/0024-teams.md)); the others take their three best scores.",
        "",
        table,
        "",
    ]
    return "\n".join([*lines, *_ours_less_others(results, hit_differences)])


def _probabilities(results: Sequence[TestResult]) -> str:
    return "\n".join(
        [
            "## Probabilities",
            "",
            "Expected calibration error over all labels, 15 bins.",
            "",
            method_table(results, lambda each: fraction(each.figures["calibration_error"])),
            "",
            "The same for each model alone, as a mean over the models:",
            "",
            method_table(results, lambda each: fraction(each.figures["model_calibration_error"])),
            "",
            method_table(
                results, lambda each: fraction(each.figures["chance_of_calibration_error"])
            ),
            "",
        ]
    )


def _surest(results: Sequence[TestResult]) -> str:
    return "\n".join(
        [
            "## Knowing when not to trust it",
            "",
            "Mean score of the half of the queries that a method is surest of, by its best score, in",
            "percent.",
            "",
            method_table(results, lambda each: percent(each.figures["score_of_surest_half"])),
            "",
        ]
    )


def _costs(results: Sequence[TestResult]) -> str:
    """Returns one table per test with costs; empty without any."""
    tables = [
        _costmethod_table(result)
        for result in results
        if "frontier_area" in next(iter(result.methods.values())).figures
    ]
    if not tables:
        return ""
    lines = [
        "## Cost",
        "",
        "Choosing by score less price times predicted dollars. Shares are of the best single model's",
        "score and dollars. A price set beforehand is the lowest at which the predicted mean cost",
        "fits the budget, bisected until the budget is spent to the last query.",
        "",
        *tables,
    ]
    return "\n".join(lines)


def _costmethod_table(result: TestResult) -> str:
    headings = [
        f"{column(result)}: method",
        "area under the frontier",
        "score at 30 % of the dollars, price set in hindsight",
        "score within a budget of 30 %, price set beforehand",
        "dollars it then took",
    ]
    names = ("frontier_area", "score_share_on_frontier", "score_share_in_budget")
    rows = [
        [
            TITLES.get(name, name),
            *(percent(each.figures[figure]) for figure in (*names, "cost_share_in_budget")),
        ]
        for name, each in result.methods.items()
    ]
    return markdown_lines(headings, rows) + "\n"
