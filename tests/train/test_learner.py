"""The learner on queries whose kinds and classes are known."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

import numpy as np
import torch

from scorer.measures.calibration import calibration_figures
from scorer.measures.ranking import ranking_figures
from scorer.runtime.team_rule import TeamRule, team_columns
from scorer.training.mixture import learner
from scorer.training.mixture import shrinkage as anchor
from scorer.training.mixture.learner import Learned, learn
from scorer.training.mixture.mixture import LabelledFeatures, fit_mixture
from scorer.training.mixture.skills import fit_skills, skill_rows
from tests.train.planted import CHANCES, CONFIG, planted

if TYPE_CHECKING:
    from scorer.training.mixture.examples import Examples

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::Warning")]


def scores_of(learned: Learned, test: Examples) -> np.ndarray:
    return learned.scores(learned.features(test))


def with_kinds(examples: Examples) -> Examples:
    """The same queries, whose kinds only the embeddings tell."""
    kinds = np.array([[task == "sums", task == "poems"] for task in examples.tasks], dtype="f4")
    return dataclasses.replace(
        examples, bags=[np.array([1]) for _ in examples.texts], embeddings=kinds
    )


def test_planted_kinds_are_told_apart_and_scores_are_probabilities() -> None:
    learned = learn(planted(600, seed=1), config=CONFIG, seed=0)
    test = planted(600, seed=2)
    scores = scores_of(learned, test)
    truth = np.array([CHANCES[task] for task in test.tasks])
    assert np.abs(scores - truth).mean() < 0.08
    assert ranking_figures(scores, test.targets).mean_score > 0.85
    assert calibration_figures(scores, test.targets).calibration_error < 0.06


def test_embeddings_alone_can_tell_kinds_apart() -> None:
    learned = learn(with_kinds(planted(400, seed=1)), config=CONFIG, seed=0)
    test = with_kinds(planted(400, seed=2))
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
    features = torch.randn(120, 5, generator=torch.Generator().manual_seed(1))
    found = learner._best_held_out(examples, features, CONFIG, seed=0)
    assert (np.sort(found.covering[1::2], axis=1) == [0, 1, 2]).all()
    assert (found.covering[::2, :2] != 0).all()
    assert ((found.chances > 0) & (found.chances < 1)).all()
    assert found.class_ridge in CONFIG.class_ridges


def test_the_folded_weights_give_the_same_class_weights() -> None:
    examples = planted(120, seed=6)
    table = fit_skills(examples.tasks, examples.targets, examples.weights, max_classes=2, seed=0)
    features = torch.randn(120, 5, generator=torch.Generator().manual_seed(1))
    mixture = fit_mixture(
        table,
        LabelledFeatures(
            features=features,
            skills=skill_rows(examples.tasks)[1],
            targets=torch.from_numpy(examples.targets),
            weights=torch.ones(120),
        ),
        class_ridge=1.0,
        seed=0,
    )
    weight, bias = mixture.folded()
    found = torch.log_softmax(features @ weight + bias, dim=-1)
    assert torch.allclose(found, mixture.log_weights(features), atol=1e-5)
    assert torch.allclose(found.exp().sum(1), torch.ones(120), atol=1e-5)


def test_a_drawn_scorer_knows_how_easy_a_query_is_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchor, "SHARES", (0.75,))
    examples, test = easy_and_hard(600, seed=1), easy_and_hard(600, seed=2)
    learned = learn(examples, config=CONFIG, seed=0)
    scores = scores_of(learned, test)
    assert learned.anchor.ease > 0
    assert calibration_figures(scores, test.targets).calibration_error < 0.06
    easy = np.array([task == "sums" for task in test.tasks])
    assert scores[easy].mean() > scores[~easy].mean() + 0.5


def easy_and_hard(count: int, *, seed: int) -> Examples:
    """Sums that every model can do, and poems that none can."""
    examples = planted(count, seed=seed)
    draw = np.random.default_rng(seed)
    chances = np.array([[0.9 if task == "sums" else 0.1] * 3 for task in examples.tasks])
    targets = (draw.random(chances.shape) < chances).astype(np.float32)
    return dataclasses.replace(examples, targets=targets)
