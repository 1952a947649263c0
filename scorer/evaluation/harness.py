"""Compares methods on a pool, over several seeds.

A kept run is not fitted again; see ``runs``.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from scorer.evaluation.curves import single_models
from scorer.evaluation.dataset import ALL_ROWS, Dataset
from scorer.evaluation.figures import figures_of, labelled_rows
from scorer.evaluation.methods.method import MethodPrediction
from scorer.evaluation.pools import Average
from scorer.evaluation.results import TestResult
from scorer.evaluation.runs import RunStore
from scorer.evaluation.source_code import modules_of
from scorer.evaluation.workers import fit_in_processes
from scorer.progress import track

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from scorer.evaluation.dataset import Pool
    from scorer.evaluation.methods.method import Method
    from scorer.evaluation.runs import Run


def compare(
    pool: Pool, methods: Sequence[Method], *, seeds: int, directory: Path, processes: int = 1
) -> list[TestResult]:
    """Runs each method with each seed, and returns one result per test of the pool.

    A pool with several tests has a result of all rows together besides, unless it averages over
    tasks: the tasks of two tests are not one set.

    Args:
        pool: The pool.
        methods: The methods.
        seeds: Number of fits of each method.
        directory: The directory that keeps runs.
        processes: Number of processes that fit; with 1, this one does.
    """
    for method in methods:
        # Reads the code before the first fit, in case a file is edited meanwhile.
        modules_of(method)
    store = RunStore(directory / "runs")
    jobs = [(method, seed) for method in methods for seed in range(seeds)]
    runs: dict[str, list[Run]] = {method.name: [] for method in methods}
    if processes > 1:
        fit_in_processes(pool, jobs, store, processes=processes)
    for method, seed in jobs if processes > 1 else track(jobs, f"Fitting on {pool.name}"):
        runs[method.name].append(store.run(pool, method, seed))
    tests: list[tuple[str, Dataset, tuple[str, ...]]]
    tests = [(name, test, (name,)) for name, test in pool.tests.items()]
    if len(tests) > 1 and pool.train.average is Average.MICRO:
        together = functools.reduce(Dataset.joined, pool.tests.values())
        tests.append((ALL_ROWS, together, tuple(pool.tests)))
    return [
        _result(pool, name, test, parts, runs)
        for name, test, parts in track(tests, f"Measuring on {pool.name}")
    ]


def _result(
    pool: Pool,
    name: str,
    test: Dataset,
    parts: Sequence[str],
    runs: Mapping[str, Sequence[Run]],
) -> TestResult:
    """Returns the result of a test that has the rows of some parts, in their order."""
    predictions = {
        method: [
            functools.reduce(MethodPrediction.joined, [run.predictions[part] for part in parts])
            for run in found
        ]
        for method, found in runs.items()
    }
    return TestResult(
        pool=pool.name,
        test=name,
        query_count=len(test),
        methods=figures_of(pool.train, test, predictions),
        single_models=single_models(test.take(labelled_rows(test))),
        fit_s={
            method: sum(run.fit_s for run in found) / len(found) for method, found in runs.items()
        },
    )
