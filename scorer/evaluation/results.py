"""The results of a comparison, kept as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from scorer.evaluation.curves import Curve, Curves, ReliabilityCurve, SingleModel
from scorer.evaluation.figures import MethodFigures, Spread
from scorer.measures.intervals import Interval
from scorer.runtime.fields import ProblemsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

RESULTS_FILE = "results.json"


class ResultsError(ProblemsError):
    """Raised when a file of results cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestResult:
    """The figures of all methods on one test of a pool."""

    pool: str
    test: str
    query_count: int
    methods: Mapping[str, MethodFigures]
    single_models: Mapping[str, SingleModel]
    """Figures of always taking one model, by model."""
    fit_s: Mapping[str, float]
    """Mean CPU time of a fit, by method."""

    @property
    def title(self) -> str:
        """Heading of tables."""
        return f"{self.pool} {self.test} ({self.query_count} queries)"


def write_results(results: Sequence[TestResult], directory: Path) -> Path:
    """Writes all results as JSON; returns the path."""
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / f".{RESULTS_FILE}.part"
    text = json.dumps([asdict(result) for result in results], indent=1)
    temporary.write_text(text + "\n", encoding="utf-8")
    return temporary.rename(directory / RESULTS_FILE)


def read_results(directory: Path) -> list[TestResult]:
    """Reads the results that ``write_results`` wrote into a directory.

    Raises:
        ResultsError: There are no results, or another version wrote them.
    """
    path = directory / RESULTS_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ResultsError(path, [f"cannot be read: {error}"]) from error
    try:
        return [_result(each) for each in document]
    except (KeyError, TypeError, AttributeError) as error:
        problem = "was not written by this version; compare again, finished runs are kept"
        raise ResultsError(path, [problem]) from error


def _result(document: dict[str, Any]) -> TestResult:
    return TestResult(
        pool=document["pool"],
        test=document["test"],
        query_count=document["query_count"],
        methods={name: _method(each) for name, each in document["methods"].items()},
        single_models={
            name: SingleModel(**each) for name, each in document["single_models"].items()
        },
        fit_s=document["fit_s"],
    )


def _method(document: dict[str, Any]) -> MethodFigures:
    return MethodFigures(
        figures={name: Spread(**each) for name, each in document["figures"].items()},
        score=Interval(**document["score"]),
        differences=_intervals(document["differences"]),
        hit_at_3_differences=_intervals(document["hit_at_3_differences"]),
        calibration_error_by_model=document["calibration_error_by_model"],
        curves=_curves(document["curves"]),
    )


def _curves(document: dict[str, Any]) -> Curves:
    frontier = document["frontier"]
    return Curves(
        reliability=ReliabilityCurve(**_tuples(document["reliability"])),
        coverage=Curve(**_tuples(document["coverage"])),
        frontier=None if frontier is None else Curve(**_tuples(frontier)),
    )


def _tuples(document: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(values) for name, values in document.items()}


def _intervals(document: dict[str, Any]) -> dict[str, Interval]:
    return {name: Interval(**each) for name, each in document.items()}
