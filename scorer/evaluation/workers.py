"""Fits runs in several processes, one per core: most fits are products too small for two threads.

A process is forked from this one, so that it shares the pool and the embeddings. It has one thread,
since a forked process cannot use those of its parent.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING

from scorer.progress import quiet, track

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scorer.evaluation.dataset import Pool
    from scorer.evaluation.methods.method import Method
    from scorer.evaluation.runs import RunStore

    Jobs = Sequence[tuple[Method, int]]

_shared: list[tuple[Pool, Jobs, RunStore]] = []


def fit_in_processes(pool: Pool, jobs: Jobs, store: RunStore, *, processes: int) -> None:
    """Fits each method with its seed, unless the run is kept already; the runs are on disk then."""
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("fork"),
        initializer=_begin,
        initargs=(pool, jobs, store),
    ) as executor:
        futures = [executor.submit(_fit, index) for index in range(len(jobs))]
        bar = track(futures, f"Fitting on {pool.name}")
        for finished, _ in zip(as_completed(futures), bar, strict=True):
            finished.result()


def _begin(pool: Pool, jobs: Jobs, store: RunStore) -> None:
    import torch  # noqa: PLC0415 - only methods that learn need it

    torch.set_num_threads(1)
    _shared.append((pool, jobs, store))


def _fit(index: int) -> None:
    pool, jobs, store = _shared[-1]
    with quiet():
        store.run(pool, *jobs[index])
