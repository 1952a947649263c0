from __future__ import annotations

import numpy as np
import pytest

from scorer import Runtime, default_artifact_path, load_artifact
from scorer.data.records import Record
from scorer.evaluation.evaluate import NoKnownModelError, evaluate

NAN = np.nan


def test_an_artifact_is_evaluated_beside_its_baselines() -> None:
    runtime = Runtime.open(load_artifact(default_artifact_path()))
    strong, weak, _ = runtime.model_ids[:3]

    def record(number: int, task: str, **scores: float) -> Record:
        return Record(id=str(number), task=task, query=f"query {number}", scores=scores)

    known = [record(n, "a" if n < 4 else "b", **{strong: 1.0, weak: 0.0}) for n in range(4)]
    known += [record(n, "b", **{strong: 0.0, weak: 1.0}) for n in range(4, 7)]
    strange = [record(7, "a", stranger=1.0), record(8, "a", **{strong: 1.0, "stranger": 0.0})]
    result = evaluate(runtime, known + strange, train=known, batch_size=2)
    assert (result.query_count, result.unlabelled_query_count) == (8, 1)
    assert result.model_count == 2
    assert result.unknown_model_ids == ("stranger",)
    assert result.rankings["best single model"].mean_score == pytest.approx(5 / 8)
    assert result.rankings["best model per task"].mean_score == 1.0
    assert result.rankings["oracle"].regret == 0.0
    assert set(evaluate(runtime, known, train=[], batch_size=2).rankings) == {
        "scorer",
        "random",
        "oracle",
    }


def test_records_of_models_that_the_scorer_does_not_know_are_refused() -> None:
    runtime = Runtime.open(load_artifact(default_artifact_path()))
    stranger = Record(id="1", task="t", query="q", scores={"stranger": 1.0})
    with pytest.raises(NoKnownModelError):
        evaluate(runtime, [stranger], train=[], batch_size=1)
