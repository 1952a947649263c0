"""Methods x pools x seeds -> runs -> results.

A run that is kept is not fitted again; see ``runs``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.evaluation.curves import single_models
from scorer.evaluation.figures import figures_of, labelled_rows
from scorer.evaluation.results import TestResult
from scorer.evaluation.runs import RunStore, modules_of, source_of
from scorer.progress import track

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scorer.evaluation.dataset import Pool
    from scorer.evaluation.methods.method import Method
    from scorer.evaluation.runs import Run


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
            single_models=single_models(test.take(labelled_rows(test))),
            fit_s={
                method: sum(run.fit_s for run in found) / seeds for method, found in runs.items()
            },
        )
        for name, test in pool.tests.items()
    ]
