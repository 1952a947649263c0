"""Methods x pools x seeds -> runs -> figures -> results.json and results.md.

A run that is kept is not fitted again; see ``runs``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from scorer.compare.figures import figures_of
from scorer.compare.report import markdown
from scorer.compare.runs import RunStore, modules_of, source_of
from scorer.progress import track

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from scorer.compare.dataset import Pool
    from scorer.compare.figures import MethodFigures
    from scorer.compare.methods.method import Method
    from scorer.compare.runs import Run


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestResult:
    """All methods on one test of one pool."""

    pool: str
    test: str
    query_count: int
    methods: Mapping[str, MethodFigures]
    fit_s: Mapping[str, float]
    """Mean time to fit by method."""

    @property
    def title(self) -> str:
        """What tables are headed with."""
        return f"{self.pool} {self.test} ({self.query_count} queries)"


def compare(
    pool: Pool, methods: Sequence[Method], *, seeds: int, directory: Path
) -> list[TestResult]:
    """Runs every method with every seed; returns one result per test of the pool."""
    for method in methods:
        # Before the first fit, so that editing a method meanwhile mislabels no run.
        [source_of(module) for module in modules_of(method)]
    store = RunStore(directory / "runs")
    jobs = [(method, seed) for method in methods for seed in range(seeds)]
    runs: dict[str, list[Run]] = {method.name: [] for method in methods}
    for method, seed in track(jobs, f"Fitting on {pool.name}"):
        runs[method.name].append(store.run(pool, method, seed))
    return [
        TestResult(
            pool=pool.name,
            test=name,
            query_count=len(test),
            methods=figures_of(
                pool.train,
                test,
                {
                    method: [run.predictions[name] for run in found]
                    for method, found in runs.items()
                },
            ),
            fit_s={
                method: sum(run.fit_s for run in found) / seeds for method, found in runs.items()
            },
        )
        for name, test in pool.tests.items()
    ]


def write_results(results: Sequence[TestResult], directory: Path) -> Iterator[Path]:
    """Writes all results as JSON and as Markdown; yields the two paths."""
    documents = {
        "results.json": json.dumps([asdict(result) for result in results], indent=1) + "\n",
        "results.md": "\n".join(markdown(result.title, result.methods) for result in results),
    }
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in documents.items():
        temporary = directory / f".{name}.part"
        temporary.write_text(text, encoding="utf-8")
        yield temporary.rename(directory / name)
