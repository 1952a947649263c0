"""The benefit of a scorer is measured on records that it has not learned from."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, cast

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

import numpy as np
import torch

from scorer.measures.benefit import Verdict
from scorer.training import cross_validation
from scorer.training.cross_validation import measure_benefit
from scorer.training.mixture.examples import Examples

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.measures.benefit import Benefit
    from scorer.training.mixture.learner import Learned

pytestmark = pytest.mark.train


@dataclasses.dataclass
class Stub:
    """Takes the model of a query's side, or always the other one."""

    texts: tuple[str, ...]
    is_wrong: bool = False

    def features(self, examples: Examples) -> torch.Tensor:
        sides = [float(text.startswith("left")) for text in examples.texts]
        return torch.tensor([[side, 1 - side, 0.1] for side in sides])

    def scores(self, features: torch.Tensor) -> npt.NDArray[np.float64]:
        sides: npt.NDArray[np.float64] = features[:, :2].double().numpy()
        return 1 - sides if self.is_wrong else sides


def examples(count: int, *, start: int = 0) -> Examples:
    """On the left the first model is right, on the right the second; most queries are on the left."""
    sides = np.array([row % 5 != 0 for row in range(start, start + count)])
    return Examples(
        texts=[f"{'left' if side else 'right'} {row}" for row, side in enumerate(sides, start)],
        bags=[np.array([1])] * count,
        embeddings=None,
        targets=np.stack([sides, ~sides], axis=1).astype(np.float32),
        weights=np.ones(count),
    )


def measured(
    training: Examples, held_out: Examples, *, is_wrong: bool = False
) -> tuple[Benefit, list[Stub]]:
    learned: list[Stub] = []

    def learn(found: Examples) -> Learned:
        learned.append(Stub(texts=tuple(found.texts), is_wrong=is_wrong))
        return cast("Learned", learned[-1])

    benefit = measure_benefit(learn(training), training, held_out, learn=learn, seed=0)
    return benefit, learned


def test_few_held_out_records_are_joined_by_folds_that_were_not_learned_from() -> None:
    training = examples(100)
    benefit, learned = measured(training, examples(10, start=100))
    assert benefit.record_count == 110
    assert len(learned) == 1 + 5
    left_out = [set(training.texts) - set(each.texts) for each in learned[1:]]
    assert set.union(*left_out) == set(training.texts)
    assert sum(map(len, left_out)) == 100


def test_with_enough_held_out_records_nothing_is_learned_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cross_validation, "ENOUGH_RECORDS", 50)
    benefit, learned = measured(examples(100), examples(50, start=100))
    assert benefit.record_count == 50
    assert len(learned) == 1


def test_a_scorer_that_knows_the_query_is_better_and_one_that_errs_is_worse() -> None:
    good, _ = measured(examples(100), examples(20, start=100))
    assert good.verdict is Verdict.BETTER
    assert good.score == 1.0
    assert good.over_best_single.mean == pytest.approx(0.2)
    bad, _ = measured(examples(100), examples(20, start=100), is_wrong=True)
    assert bad.verdict is Verdict.WORSE
    assert bad.over_best_single.mean == pytest.approx(-0.8)


def test_neighbours_are_sought_among_some_of_many_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_validation, "MAX_NEIGHBOURS", 60)
    benefit, _ = measured(examples(100), examples(20, start=100))
    # They have the same features and the same answers as all of them.
    assert benefit.over_knn.mean == pytest.approx(0.0)
