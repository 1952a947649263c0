from __future__ import annotations

import dataclasses
import gzip
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from scorer.data.records import Record
from scorer.evaluation.dataset import Dataset, Queries, load_pool, metric_targets
from scorer.evaluation.pools import Average, PoolConfig
from tests.unit.scorer.evaluation.toy import toy_dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt


def test_queries_hold_no_label() -> None:
    queries = toy_dataset(20, seed=1).queries()
    assert type(queries) is Queries
    labels = set(Dataset.__dataclass_fields__) - set(Queries.__dataclass_fields__)
    assert not any(hasattr(queries, label) for label in labels)


def test_a_macro_average_counts_every_task_the_same() -> None:
    data = toy_dataset(40, seed=1, average=Average.MACRO)
    tasks = np.array(data.tasks)
    assert data.weights.sum() == pytest.approx(1)
    assert data.weights[tasks == "a"].sum() == pytest.approx(0.5)
    assert toy_dataset(40, seed=1).weights == pytest.approx(np.full(40, 1 / 40))


def test_a_record_counts_as_often_as_its_weight_says() -> None:
    data = toy_dataset(4, seed=1, average=Average.MACRO)  # tasks b, a, a, a
    records = [
        dataclasses.replace(record, weight=weight)
        for record, weight in zip(data.records, (7.0, 2.0, 1.0, 1.0), strict=True)
    ]
    weighted = dataclasses.replace(data, records=tuple(records))
    assert weighted.weights == pytest.approx([0.5, 0.25, 0.125, 0.125])


def test_a_split_shares_no_text_and_loses_none() -> None:
    data = toy_dataset(200, seed=1)
    ours, held_out = data.split(validation_fraction=0.25, seed=3)
    assert not set(ours.texts) & set(held_out.texts)
    assert sorted(ours.texts + held_out.texts) == sorted(data.texts)
    assert 30 < len(held_out) < 70
    row = data.texts.index(held_out.texts[0])
    assert (held_out.features[0] == data.features[row]).all()
    assert (held_out.targets[0] == data.targets[row]).all()


def test_a_probability_of_being_right_counts_as_right() -> None:
    records = [
        Record(id="1", task="choice", query="q", scores={"a": 0.3, "b": 0.0}),
        Record(id="2", task="attempts", query="q", scores={"a": 0.3}),
    ]
    targets = metric_targets(records, ("a", "b"), frozenset({"choice"}))
    assert targets == pytest.approx(np.array([[1.0, 0.0], [0.3, np.nan]]), nan_ok=True)


class Lengths:
    """Reads the length of a text, as a share of the longest training text."""

    def fitted(self, texts: Sequence[str]) -> Callable[[Sequence[str]], npt.NDArray[np.float32]]:
        longest = max(map(len, texts))
        return lambda texts: np.array([[len(text) / longest] for text in texts])


def test_a_pool_is_loaded_with_the_models_of_its_training_file(tmp_path: Path) -> None:
    rows = {
        "train": [{"scores": {"a": 1.0, "b": 0.0}, "cost_usd": {"a": 0.5, "b": 0.25}}],
        "test": [{"scores": {"a": 0.0, "new": 1.0}, "cost_usd": {"a": 0.5}}],
    }
    for name, lines in rows.items():
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt") as file:
            for line in lines:
                file.write(json.dumps({"id": name, "task": "t", "query": name, **line}) + "\n")
    config = PoolConfig(
        name="toy",
        licence="none",
        train="train.jsonl.gz",
        tests={"test": "test.jsonl.gz"},
        average=Average.MICRO,
        right_if_positive=frozenset(),
    )
    pool = load_pool(config, tmp_path, Lengths())
    test = pool.tests["test"]
    assert pool.train.model_ids == test.model_ids == ("a", "b")
    assert test.targets == pytest.approx(np.array([[0.0, np.nan]]), nan_ok=True)
    assert test.costs_usd == pytest.approx(np.array([[0.5, np.nan]]), nan_ok=True)
    assert test.completion_tokens is None
    # Nothing is fitted to a test's texts: the training text alone has a length of five.
    assert test.features.tolist() == [[4 / 5]]
