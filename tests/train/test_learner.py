"""The learner on queries whose kinds are known to the test, and not to the learner."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("optimum.onnxruntime", reason="needs the [train] extra")

import numpy as np
import onnxruntime as ort
import torch

from scorer.export.export import write_graph
from scorer.measures.calibration import calibration_figures
from scorer.measures.ranking import ranking_figures
from scorer.runtime.runtime import NGRAM_INPUT, SCORES_OUTPUT
from scorer.runtime.team_rule import TeamRule, team_columns
from scorer.training.mixture import learner
from scorer.training.mixture.classes import find_patterns
from scorer.training.mixture.examples import make_examples
from scorer.training.mixture.learner import Learned, learn
from scorer.training.model import new_scorer
from tests.train.planted import CHANCES, CONFIG, kinds_of, planted

if TYPE_CHECKING:
    from pathlib import Path

from scorer.training.mixture.examples import Examples

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::Warning")]


def scores_of(learned: Learned, test: Examples) -> np.ndarray:
    return learned.scores(learned.features(test))


def with_embeddings(count: int, *, seed: int) -> Examples:
    """The same queries, whose kinds only the embeddings tell."""
    kinds = np.array([[k == "sums", k == "poems"] for k in kinds_of(count, seed=seed)], dtype="f4")
    return dataclasses.replace(
        planted(count, seed=seed), bags=[np.array([1]) for _ in kinds], embeddings=kinds
    )


def test_planted_kinds_are_told_apart_and_scores_are_probabilities() -> None:
    learned = learn(planted(600, seed=1), config=CONFIG, seed=0)
    test = planted(600, seed=2)
    scores = scores_of(learned, test)
    truth = np.array([CHANCES[kind] for kind in kinds_of(600, seed=2)])
    assert np.abs(scores - truth).mean() < 0.08
    assert ranking_figures(scores, test.targets).mean_score > 0.85
    assert calibration_figures(scores, test.targets).calibration_error < 0.06


def test_embeddings_alone_can_tell_kinds_apart() -> None:
    learned = learn(with_embeddings(400, seed=1), config=CONFIG, seed=0)
    test = with_embeddings(400, seed=2)
    assert ranking_figures(scores_of(learned, test), test.targets).mean_score > 0.85


def test_the_seed_decides_everything() -> None:
    examples = planted(200, seed=1)
    one, other = (learn(examples, config=CONFIG, seed=3) for _ in range(2))
    assert torch.equal(one.projection, other.projection)
    assert np.array_equal(scores_of(one, examples), scores_of(other, examples))


def test_labels_that_are_noise_lead_to_the_model_that_is_best_on_average() -> None:
    learned = learn(planted(400, seed=4, tell=False), config=CONFIG, seed=0)
    test = planted(400, seed=9, tell=False)
    # The second model is the best by a little, whatever the query.
    chosen = ranking_figures(scores_of(learned, test), test.targets).mean_score
    assert chosen >= test.targets[:, 1].mean() - 0.02


@pytest.mark.parametrize("rule", TeamRule)
def test_teams_are_by_the_rule_that_was_learned(
    rule: TeamRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "best_rule", lambda *_: rule)
    examples = planted(120, seed=1)
    learned = learn(examples, config=CONFIG, seed=0)
    features = learned.features(examples)
    expected = team_columns(
        rule,
        class_weights=learned.class_weights(features),
        success=learned.success,
        scores=learned.scores(features),
        count=2,
    )
    assert np.array_equal(learned.teams(features, 2), expected)


def test_every_record_has_a_held_out_team_of_models_with_a_label() -> None:
    examples = planted(120, seed=1)
    examples.targets[::2, 0] = np.nan
    shares = np.eye(5)[np.arange(120) % 5]
    found = learner.HeldOut.of(shares, examples, np.arange(120) % 3)
    patterns = find_patterns(found.chances, examples.targets, seed=0)
    covering = found.covering(patterns, examples.targets)
    assert (np.sort(covering[1::2], axis=1) == [0, 1, 2]).all()
    assert (covering[::2, :2] != 0).all()
    assert ((found.chances > 0) & (found.chances < 1)).all()


def test_a_held_out_score_knows_no_label_of_its_fold() -> None:
    examples = planted(120, seed=1)
    shares = np.eye(5)[np.arange(120) % 5]
    folds = np.arange(120) % 3
    before = learner.HeldOut.of(shares, examples, folds).chances
    examples.targets[folds == 1] = 1 - examples.targets[folds == 1]
    after = learner.HeldOut.of(shares, examples, folds).chances
    assert before[folds == 1] == pytest.approx(after[folds == 1], abs=1e-12)
    assert not np.isclose(before[folds == 0], after[folds == 0]).any()


@pytest.mark.parametrize("count", [1, 6])
def test_very_few_records_give_scores_all_the_same(count: int) -> None:
    learned = learn(planted(count, seed=1), config=CONFIG, seed=0)
    scores = scores_of(learned, planted(20, seed=2))
    assert np.isfinite(scores).all()
    assert ((scores > 0) & (scores < 1)).all()


def test_the_graph_does_as_the_learner_for_queries_of_known_and_unknown_kinds(
    tmp_path: Path,
) -> None:
    examples = planted(240, seed=1)
    learned = learn(examples, config=CONFIG, seed=0)
    scorer = new_scorer(
        None,
        learned,
        model_ids=("a", "b", "c"),
        kind_names=[str(kind) for kind in range(len(learned.kinds.centres))],
        completion_tokens=None,
    )
    write_graph(scorer, tmp_path / "model.onnx")
    strange = made_of("quorum zebra violin", "kyzyl fjord oxide", "")
    for each in (examples, strange):
        expected = learned.scores(learned.features(each))
        found = graph_scores(tmp_path / "model.onnx", each)
        assert found == pytest.approx(expected, abs=1e-5)
    nothing = learned.kinds.shares(learned.features(strange))[2]
    assert nothing == pytest.approx(learned.kinds.average, abs=0.01)


def made_of(*texts: str) -> Examples:
    return make_examples(
        texts,
        targets=np.empty((len(texts), 0), dtype=np.float32),
        weights=np.ones(len(texts)),
        ngram_buckets=CONFIG.ngram_buckets,
        embeddings=None,
    )


def graph_scores(path: Path, examples: Examples) -> np.ndarray:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    width = max(map(len, examples.bags))
    ids = np.stack([np.pad(bag, (0, width - len(bag))) for bag in examples.bags])
    scores: np.ndarray = session.run([SCORES_OUTPUT], {NGRAM_INPUT: ids})[0]
    return scores


def test_a_score_knows_how_easy_a_query_is_for_all() -> None:
    examples, test = easy_and_hard(600, seed=1), easy_and_hard(600, seed=2)
    learned = learn(examples, config=CONFIG, seed=0)
    scores = scores_of(learned, test)
    assert calibration_figures(scores, test.targets).calibration_error < 0.06
    easy = np.array([kind == "sums" for kind in kinds_of(600, seed=2)])
    assert scores[easy].mean() > scores[~easy].mean() + 0.5


def easy_and_hard(count: int, *, seed: int) -> Examples:
    """Sums that every model can do, and poems that none can."""
    examples = planted(count, seed=seed)
    draw = np.random.default_rng(seed)
    kinds = kinds_of(count, seed=seed)
    chances = np.array([[0.9 if kind == "sums" else 0.1] * 3 for kind in kinds])
    targets = (draw.random(chances.shape) < chances).astype(np.float32)
    return dataclasses.replace(examples, targets=targets)
