"""Neighbourhoods on queries whose places are known."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort
import pytest

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("optimum.onnxruntime", reason="needs the [train] extra")

import onnx
import torch

from scorer.columns import read_columns, write_columns
from scorer.export import write_graph
from scorer.graph import OFFSET, SLOPE, SUCCESS
from scorer.mixture.learner import learn, read_features
from scorer.mixture.neighbourhoods import Neighbourhoods, Tally, draw_map, tally
from scorer.model import new_scorer
from scorer.quantize import int8_model
from scorer.runtime import NGRAM_INPUT, SCORES_OUTPUT
from tests.train.planted import CONFIG, planted

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.mixture.examples import Examples

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::Warning")]


def two_crowds(count: int) -> tuple[torch.Tensor, np.ndarray]:
    """Queries about two points of the unit sphere, and which."""
    draw = np.random.default_rng(1)
    side = np.arange(count) % 2
    points = np.eye(2, 6)[side] + 0.05 * draw.standard_normal((count, 6))
    return torch.from_numpy(points.astype(np.float32)), side


def test_a_query_is_drawn_to_what_models_did_near_it_and_no_further_than_its_share() -> None:
    features, side = two_crowds(160)
    found, groups = draw_map(features, seed=0)
    targets = np.stack([side, 1 - side], axis=1).astype(np.float32)
    counted = tally(groups, len(found.places), targets, np.ones(160))
    chances = np.full((160, 2), 0.5)
    likeness = found.likeness(features)
    whole = counted.drawn(chances, likeness, 1.0)
    assert np.abs(whole - targets).max() < 0.05
    assert counted.drawn(chances, likeness, 0.0) == pytest.approx(chances)
    half = counted.drawn(chances, likeness, 0.5)
    assert half == pytest.approx((whole + chances) / 2)


def test_a_model_that_nobody_tried_keeps_its_chances() -> None:
    features, side = two_crowds(80)
    found, groups = draw_map(features, seed=0)
    targets = np.stack([side.astype(np.float32), np.full(80, np.nan)], axis=1)
    counted = tally(groups, len(found.places), targets, np.ones(80))
    drawn = counted.drawn(np.full((80, 2), 0.3), found.likeness(features), 0.75)
    assert drawn[:, 1] == pytest.approx(np.full(80, 0.3))
    assert drawn[:, 0].max() > 0.7


def test_a_weight_counts_as_so_many_repetitions() -> None:
    groups, targets = np.array([0, 0, 1]), np.array([[1.0], [0.0], [1.0]])
    weighted = tally(groups, 2, targets, np.array([3.0, 1.0, 2.0]))
    repeated = tally(groups[[0, 0, 0, 1, 2, 2]], 2, targets[[0, 0, 0, 1, 2, 2]], np.ones(6))
    for name in ("counts", "labels", "known"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name))


def test_a_neighbourhood_without_labelled_queries_counts_for_nothing() -> None:
    counted: Tally = tally(np.array([0, 0]), 2, np.array([[1.0], [1.0]]), np.ones(2))
    likeness = np.array([[0.0, 1.0]])  # the empty one is the nearer by far
    assert counted.drawn(np.array([[0.2]]), likeness, 1.0) == pytest.approx(np.array([[1.0]]))


def test_the_seed_decides_the_map() -> None:
    features, _ = two_crowds(100)
    one, other = (draw_map(features, seed=3) for _ in range(2))
    assert np.array_equal(one[0].places, other[0].places)
    assert np.array_equal(one[1], other[1])


def test_the_graph_does_as_the_learner_and_a_newcomer_changes_nothing(tmp_path: Path) -> None:
    examples = planted(240, seed=1)
    learned = learn(examples, config=CONFIG, seed=0)
    features = read_features(examples, learned.projection)
    found, groups = draw_map(features, seed=0)
    counted = tally(groups, len(found.places), examples.targets, examples.weights)
    near = Neighbourhoods(map=found, tally=counted, share=0.5)
    learned = dataclasses.replace(learned, neighbourhoods=near)
    scorer = new_scorer(None, learned, model_ids=("a", "b", "c"), completion_tokens=None)
    write_graph(scorer, tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    assert _scores(model, examples) == pytest.approx(learned.scores(features), abs=1e-5)
    quantized = int8_model(onnx.load(tmp_path / "model.onnx"))
    weights = {tensor.name: tensor.data_type for tensor in quantized.graph.initializer}
    assert weights["neighbourhoods.places"] == onnx.TensorProto.FLOAT
    assert weights["neighbourhoods.directions"] == onnx.TensorProto.FLOAT
    columns = read_columns(model)
    assert columns.weights["neighbourhoods.labels"].shape == (len(found.places), 3)
    success = columns.success[:, :1]
    write_columns(
        model,
        columns.followed_by({SUCCESS: success, SLOPE: np.ones(1), OFFSET: np.zeros(1)}),
    )
    more = _scores(model, examples)
    assert more[:, :3] == pytest.approx(learned.scores(features), abs=1e-5)
    # No neighbourhood knows the new model, so only the classes speak for it.
    assert more[:, 3] == pytest.approx((learned.class_weights(features) @ success)[:, 0], abs=1e-5)
    write_columns(model, read_columns(model).without(0))
    assert _scores(model, examples) == pytest.approx(more[:, 1:], abs=1e-5)


def _scores(model: onnx.ModelProto, examples: Examples) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    width = max(map(len, examples.bags))
    ids = np.stack([np.pad(bag, (0, width - len(bag))) for bag in examples.bags])
    scores: np.ndarray = session.run([SCORES_OUTPUT], {NGRAM_INPUT: ids})[0]
    return scores
