"""Fits a method on a pool and keeps its predictions on disk.

The key of a run is a hash of the pool's contents, the method's settings and code, and the seed. A file
is written to a temporary name and renamed, so an interrupted comparison continues where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scorer.evaluation.methods.method import MethodPrediction, prediction_of
from scorer.evaluation.source_code import modules_of, source_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from scorer.evaluation.dataset import Dataset, Pool
    from scorer.evaluation.methods.method import Method


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """The predictions of one fitted method."""

    predictions: Mapping[str, MethodPrediction]
    """Predictions by test."""
    fit_s: float
    """CPU time of the fit, which a busy machine hardly changes."""


class RunStore:
    """Finished runs, one file each."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def run(self, pool: Pool, method: Method, seed: int) -> Run:
        """Returns the kept run, or fits and predicts if there is none."""
        path = self._directory / f"{pool.name}.{method.name}.{seed}.{_key(pool, method, seed)}.npz"
        if path.exists():
            with np.load(path) as kept:
                predictions = {name: _unpacked(kept, name) for name in pool.tests}
                return Run(predictions=predictions, fit_s=float(kept["fit_s"]))
        run = _fitted(pool, method, seed)
        self._directory.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._directory, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, fit_s=np.array(run.fit_s), **_packed(run))
        Path(temporary).rename(path)
        return run


def _fitted(pool: Pool, method: Method, seed: int) -> Run:
    started = time.process_time()
    predictor = method.fit(pool.train, seed=seed)
    fit_s = time.process_time() - started
    # Queries instead of the dataset, so that no label can be used.
    predictions = {
        name: prediction_of(predictor, test.queries()) for name, test in pool.tests.items()
    }
    return Run(predictions=predictions, fit_s=fit_s)


PARTS = ("scores", "teams", "costs_usd")


def _packed(run: Run) -> dict[str, npt.NDArray[Any]]:
    """Returns the arrays that there are, each named by its test and part."""
    parts = {
        f"{name}.{part}": getattr(prediction, part)
        for name, prediction in run.predictions.items()
        for part in PARTS
    }
    return {name: value for name, value in parts.items() if value is not None}


def _unpacked(kept: Mapping[str, npt.NDArray[Any]], name: str) -> MethodPrediction:
    parts = {part: kept[f"{name}.{part}"] for part in PARTS if f"{name}.{part}" in kept}
    return MethodPrediction(**parts)


def _key(pool: Pool, method: Method, seed: int) -> str:
    digest = hashlib.sha256(f"{method!r} {seed}".encode())
    for module in modules_of(method):
        digest.update(source_of(module).encode())
    _update(digest, pool.train)
    digest.update(pool.train.targets.tobytes())
    digest.update(pool.train.weights.tobytes())
    for name, test in pool.tests.items():
        digest.update(name.encode())
        _update(digest, test)
    return digest.hexdigest()[:16]


def _update(digest: hashlib._Hash, data: Dataset) -> None:
    digest.update("\0".join((*data.model_ids, *data.texts, *data.tasks)).encode())
    digest.update(data.average.encode())
    digest.update(data.features.tobytes())
