from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from scorer.evaluation.harness import compare
from scorer.evaluation.methods.baselines import BestPerTask, BestSingle, Chance
from scorer.evaluation.methods.knn import Memory, NearestNeighbours
from scorer.evaluation.methods.method import MethodPrediction
from scorer.evaluation.pools import Average
from scorer.evaluation.result_tables import table
from scorer.evaluation.results import write_results
from scorer.evaluation.runs import RunStore
from scorer.training.neighbours import Neighbours
from tests.unit.scorer.evaluation.toy import toy_pool

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from scorer.evaluation.dataset import Dataset, Pool, Queries

METHODS = (Chance(), BestSingle(), BestPerTask(), NearestNeighbours())
POOL = toy_pool()


@dataclasses.dataclass(frozen=True)
class Counting:
    """Counts how often it is fitted."""

    name: str = "counting"
    setting: int = 0
    fits: list[int] = dataclasses.field(default_factory=list, repr=False)

    def fit(self, train: Dataset, *, seed: int) -> Memory:
        self.fits.append(seed)
        return Memory(neighbours=Neighbours(features=train.features, targets=train.targets, k=5))


def relabelled(pool: Pool) -> Pool:
    """The same pool with the tests' labels on other queries."""
    draw = np.random.default_rng(9)
    tests = {}
    for name, test in pool.tests.items():
        order = draw.permutation(len(test))
        records = tuple(
            dataclasses.replace(record, scores=test.records[row].scores)
            for record, row in zip(test.records, order, strict=True)
        )
        tests[name] = dataclasses.replace(test, records=records, targets=test.targets[order])
    return dataclasses.replace(pool, tests=tests)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_labels_of_a_test_reach_no_prediction(method: NearestNeighbours, tmp_path: Path) -> None:
    found = RunStore(tmp_path / "one").run(POOL, method, 0)
    other = RunStore(tmp_path / "two").run(relabelled(POOL), method, 0)
    for name in POOL.tests:
        assert (found.predictions[name].scores == other.predictions[name].scores).all()


def test_a_finished_run_is_kept_until_something_it_depends_on_changes(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    method = Counting()
    first = store.run(POOL, method, 0)
    again = store.run(POOL, method, 0)
    assert method.fits == [0]
    assert (first.predictions["test"].scores == again.predictions["test"].scores).all()
    store.run(POOL, method, 1)
    store.run(POOL, dataclasses.replace(method, setting=1), 0)
    targets = POOL.train.targets.copy()
    targets[0] = 1 - targets[0]
    other = dataclasses.replace(POOL, train=dataclasses.replace(POOL.train, targets=targets))
    store.run(other, method, 0)
    assert method.fits == [0, 1, 0, 0]
    assert not list(tmp_path.glob("*.part"))


def test_every_method_is_judged_on_every_test_beside_the_oracle(tmp_path: Path) -> None:
    results = compare(POOL, METHODS, seeds=2, directory=tmp_path)
    assert [result.test for result in results] == ["test", "test_ood", "all"]
    found = results[0].methods
    assert list(found) == ["random", "best_single", "best_per_task", "knn", "oracle"]
    scores = {name: figures.figures["mean_score"].mean for name, figures in found.items()}
    assert scores["random"] < scores["best_single"] < scores["knn"] < scores["oracle"]
    gain = found["knn"].differences["best_single"]
    assert gain.mean == pytest.approx(scores["knn"] - scores["best_single"])
    assert 0 < gain.low < gain.mean < gain.high
    assert found["best_single"].figures["mean_score"].std == 0
    assert found["random"].figures["mean_score"].std > 0


def test_all_rows_of_a_pool_together_have_the_mean_of_its_tests_by_their_size(
    tmp_path: Path,
) -> None:
    first, second, together = compare(POOL, [NearestNeighbours()], seeds=1, directory=tmp_path)
    assert together.query_count == first.query_count + second.query_count
    one, other, both = (
        result.methods["knn"].figures["mean_score"].mean for result in (first, second, together)
    )
    expected = (one * first.query_count + other * second.query_count) / together.query_count
    assert both == pytest.approx(expected)
    # Tasks of different tests are not one set to average over.
    macro = compare(toy_pool(Average.MACRO), [BestSingle()], seeds=1, directory=tmp_path / "macro")
    assert [result.test for result in macro] == ["test", "test_ood"]


def test_a_scorer_that_knows_the_query_spends_less_for_the_same(tmp_path: Path) -> None:
    found = compare(POOL, METHODS, seeds=1, directory=tmp_path)[0].methods
    assert (
        found["knn"].figures["frontier_area"].mean
        > found["best_single"].figures["frontier_area"].mean
    )
    assert found["knn"].figures["cost_share_in_budget"].mean < 0.35
    assert found["knn"].figures["score_share_in_budget"].mean > 1


def test_results_are_written_for_programs_and_shown_to_people(tmp_path: Path) -> None:
    results = compare(POOL, METHODS, seeds=2, directory=tmp_path)
    document = json.loads(write_results(results, tmp_path).read_text())
    assert document[0]["methods"]["knn"]["differences"]["best_single"]["low"] > 0
    shown = table(results[0].title, results[0].methods)
    assert shown.title == "toy test (300 queries)"
    assert [column.header for column in shown.columns][:3] == [
        "method",
        "score",
        "less best_single [95 %]",
    ]
    assert shown.row_count == len(METHODS) + 1


class Teaming:
    """Knows a team and costs besides the scores."""

    name = "teaming"

    def fit(self, train: Dataset, *, seed: int) -> Teaming:
        return self

    def predict(self, queries: Queries) -> npt.NDArray[np.float32]:
        return np.tile(np.array([0.1, 0.2, 0.3, 0.9], dtype=np.float32), (len(queries), 1))

    def predict_all(self, queries: Queries, team_size: int) -> MethodPrediction:
        return MethodPrediction(
            scores=self.predict(queries),
            teams=np.tile(np.arange(team_size), (len(queries), 1)),
            costs_usd=np.ones((len(queries), 4), dtype=np.float32),
        )


def test_teams_and_costs_are_kept_with_the_scores_and_the_team_decides_what_hits(
    tmp_path: Path,
) -> None:
    store = RunStore(tmp_path)
    store.run(POOL, Teaming(), 0)
    kept = store.run(POOL, Teaming(), 0).predictions["test"]
    assert kept.teams is not None
    assert kept.costs_usd is not None
    assert kept.costs_usd.sum() == kept.scores.size
    (result, *_) = compare(POOL, [Teaming()], seeds=1, directory=tmp_path)
    figures = result.methods["teaming"].figures
    best = POOL.tests["test"].targets
    assert figures["team_hit"].mean == pytest.approx(
        (best[:, :3].max(axis=1) == best.max(axis=1)).mean()
    )
    assert figures["hit_at_3"].mean == pytest.approx(
        (best[:, 1:].max(axis=1) == best.max(axis=1)).mean()
    )
