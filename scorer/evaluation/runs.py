"""A method, a pool and a seed -> predictions for every test, kept by what they depend on.

A run is identified by a hash of the pool's contents, the method's settings and code, and the seed. It
is written to a temporary name and renamed, so an interrupted comparison goes on where it was.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scorer.evaluation.methods.method import Prediction, prediction_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from scorer.evaluation.dataset import Dataset, Pool
    from scorer.evaluation.methods.method import Method


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """What one fitted method predicts."""

    predictions: Mapping[str, Prediction]
    """By test."""
    fit_s: float
    """How long fitting took."""


class RunStore:
    """The finished runs, one file each."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def run(self, pool: Pool, method: Method, seed: int) -> Run:
        """Returns the run, fitting and predicting only if it is not kept yet."""
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


def modules_of(method: Method) -> tuple[str, ...]:
    """Returns the modules whose code decides what a method does."""
    return (type(method).__module__, *getattr(method, "code", ()))


@functools.cache
def source_of(module: str) -> str:
    """Returns the code of a module as it was when first asked for, which is what runs."""
    return inspect.getsource(sys.modules[module])


def _fitted(pool: Pool, method: Method, seed: int) -> Run:
    started = time.perf_counter()
    predictor = method.fit(pool.train, seed=seed)
    fit_s = time.perf_counter() - started
    # Queries, and not the dataset: no label can be looked at.
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


def _unpacked(kept: Mapping[str, npt.NDArray[Any]], name: str) -> Prediction:
    parts = {part: kept[f"{name}.{part}"] for part in PARTS if f"{name}.{part}" in kept}
    return Prediction(**parts)


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
    digest.update(data.embeddings.tobytes())
