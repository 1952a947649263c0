"""What is like nothing that was learned from, and what becomes of it."""

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

from scorer.export.export import write_graph
from scorer.export.quantize import int8_model
from scorer.runtime.runtime import NGRAM_INPUT, SCORES_OUTPUT
from scorer.training.mixture.examples import make_examples
from scorer.training.mixture.learner import learn
from scorer.training.mixture.out_of_distribution import Familiarity, fit_familiarity
from scorer.training.model import new_scorer
from tests.train.planted import CONFIG, planted

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.training.mixture.examples import Examples

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::Warning")]


def crowd(axes: tuple[int, ...], count: int) -> torch.Tensor:
    """Queries about points of the unit sphere, one on each axis."""
    draw = np.random.default_rng(1)
    points = np.eye(9)[np.resize(axes, count)] + 0.05 * draw.standard_normal((count, 9))
    return torch.from_numpy(points.astype(np.float32))


def test_what_is_elsewhere_is_foreign_and_gets_the_usual_class_weights() -> None:
    weights = np.tile([1.0, 0.0], (200, 1))
    weights[:50] = [0.0, 1.0]
    found = fit_familiarity(crowd((0, 1, 2), 200), weights, np.ones(200), seed=0)
    known, strange = crowd((0, 1, 2), 30), crowd((7,), 30)
    assert found.foreignness(known).mean() < 0.1
    assert found.foreignness(strange).min() > 0.9
    drawn = found.drawn(np.tile([1.0, 0.0], (30, 1)), strange)
    assert drawn == pytest.approx(np.tile([0.75, 0.25], (30, 1)), abs=0.03)
    assert drawn.sum(axis=1) == pytest.approx(np.ones(30))


def test_a_weight_counts_in_what_is_usual_and_the_seed_decides_the_rest() -> None:
    features = crowd((0, 1), 40)
    weights = np.eye(2)[np.arange(40) % 2]
    counts = np.where(np.arange(40) % 2, 3.0, 1.0)
    one, other = (fit_familiarity(features, weights, counts, seed=3) for _ in range(2))
    assert one.usual == pytest.approx([0.25, 0.75])
    assert np.array_equal(one.places, other.places)


def test_the_graph_does_as_the_learner_for_known_and_for_foreign_queries(tmp_path: Path) -> None:
    examples = planted(240, seed=1)
    learned = learn(examples, config=CONFIG, seed=0)
    strange = made_of("quorum zebra violin", "kyzyl fjord oxide")
    # Half of the training queries are rather foreign, so that it matters.
    familiarity = learned.familiarity
    seen = learned.features(examples)
    half = float(np.median([nearest(familiarity, row[None]) for row in seen]))
    familiarity = dataclasses.replace(familiarity, threshold=half)
    learned = dataclasses.replace(learned, familiarity=familiarity)
    assert 0.3 < familiarity.foreignness(seen).mean() < 0.7
    scorer = new_scorer(None, learned, model_ids=("a", "b", "c"), completion_tokens=None)
    write_graph(scorer, tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    for each in (examples, strange):
        expected = learned.scores(learned.features(each))
        assert scores_of(model, each) == pytest.approx(expected, abs=1e-5)
    quantized = int8_model(model)
    kinds = {tensor.name: tensor.data_type for tensor in quantized.graph.initializer}
    assert kinds["familiarity.places"] == kinds["familiarity.directions"] == onnx.TensorProto.FLOAT


def nearest(familiarity: Familiarity, features: torch.Tensor) -> float:
    """The cosine to the nearest place, from how foreign the query is."""
    foreign = familiarity.foreignness(features)[0]
    return familiarity.threshold - familiarity.softness * float(np.log(foreign / (1 - foreign)))


def made_of(*texts: str) -> Examples:
    return make_examples(
        texts,
        texts,
        targets=np.empty((len(texts), 0), dtype=np.float32),
        weights=np.ones(len(texts)),
        ngram_buckets=CONFIG.ngram_buckets,
        embeddings=None,
    )


def scores_of(model: onnx.ModelProto, examples: Examples) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    width = max(map(len, examples.bags))
    ids = np.stack([np.pad(bag, (0, width - len(bag))) for bag in examples.bags])
    scores: np.ndarray = session.run([SCORES_OUTPUT], {NGRAM_INPUT: ids})[0]
    return scores
