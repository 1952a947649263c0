"""The key of a run holds the code of all modules that decide what the run predicts."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from scorer.evaluation import runs
from scorer.evaluation.methods.knn import Memory
from scorer.evaluation.runs import RunStore
from scorer.evaluation.source_code import import_closure, modules_of, source_of
from scorer.training.neighbours import Neighbours
from tests.unit.scorer.evaluation.toy import toy_pool

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.evaluation.dataset import Dataset

POOL = toy_pool()


@dataclasses.dataclass(frozen=True)
class Counting:
    """Counts how often it is fitted."""

    name: str = "counting"
    fits: list[int] = dataclasses.field(default_factory=list, repr=False)

    def fit(self, train: Dataset, *, seed: int) -> Memory:
        self.fits.append(seed)
        return Memory(neighbours=Neighbours(features=train.features, targets=train.targets, k=5))


@pytest.mark.parametrize(
    "module",
    [
        "scorer.data.splits",
        "scorer.training.mixture.success",
        "scorer.measures.ranking",
        "scorer.runtime.max_coverage",
        "scorer.training.mixture.learner",
        "scorer.training.mixture.kinds",
    ],
)
def test_what_the_learner_imports_on_its_way_is_code_of_its_method(module: str) -> None:
    assert module in import_closure("scorer.evaluation.methods.routemoa")


def test_imports_inside_functions_and_for_types_count_and_those_of_others_do_not() -> None:
    found = import_closure("scorer.commands.compare")
    assert "scorer.evaluation.harness" in found
    assert "scorer.evaluation.dataset" in import_closure("scorer.evaluation.methods.method")
    assert all(name.startswith("scorer.") for name in found)


def test_an_edit_of_any_module_of_a_method_makes_its_runs_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, method = RunStore(tmp_path), Counting()
    modules = modules_of(method)
    assert {"scorer.evaluation.methods.knn", "scorer.data.splits", __name__} <= set(modules)
    store.run(POOL, method, 0)
    for module in modules:
        with monkeypatch.context() as patch:
            patch.setattr(
                runs,
                "source_of",
                lambda name, edited=module: source_of(name) + "#" * (name == edited),
            )
            store.run(POOL, method, 0)
    assert len(method.fits) == 1 + len(modules)
    store.run(POOL, method, 0)
    assert len(method.fits) == 1 + len(modules)
