"""An edge tier whose n-grams learn from an encoder."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

import numpy as np
import torch

from scorer.measures.ranking import ranking_figures
from scorer.runtime.artifact import Tier, load_artifact
from scorer.training.mixture.distillation import distil
from scorer.training.mixture.learner import learn
from scorer.training.mixture.projection import fit_projection, project_all
from tests.train.planted import CONFIG, planted
from tests.train.tiny_house import run, train

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.training.mixture.examples import Examples

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::Warning")]


def taught(examples: Examples) -> Examples:
    """The same queries, with embeddings in which what they are about shows, among noise."""
    sums = np.array([task == "sums" for task in examples.tasks])
    noise = np.random.default_rng(0).normal(0, 0.1, (len(sums), 6))
    noise[:, 0] += np.where(sums, 1, -1)
    unit = noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return dataclasses.replace(examples, embeddings=unit.astype(np.float32))


def test_the_n_grams_of_texts_to_come_say_what_the_encoder_would() -> None:
    examples, test = taught(planted(400, seed=1)), taught(planted(200, seed=2))
    assert examples.embeddings is not None
    plain = fit_projection(examples.bags, buckets=CONFIG.ngram_buckets, width=4, seed=0)
    found = distil(
        plain, examples.bags, examples.texts, examples.embeddings, width=1, folds=2, seed=0
    )
    assert found.table.shape == (CONFIG.ngram_buckets, 5)
    sums = np.array([task == "sums" for task in test.tasks])
    said = project_all(test.bags, found.table)[:, -1].numpy() > 0
    assert max((said == sums).mean(), (said != sums).mean()) > 0.97
    # A text is learned from as it will be read: by a table that has not seen its embedding.
    assert found.projections.shape == (400, 5)
    assert not torch.allclose(found.projections, project_all(examples.bags, found.table), atol=1e-3)


def test_both_parts_of_a_projection_weigh_the_same() -> None:
    examples = taught(planted(300, seed=3))
    assert examples.embeddings is not None
    plain = 100 * fit_projection(examples.bags, buckets=CONFIG.ngram_buckets, width=4, seed=0)
    found = distil(
        plain, examples.bags, examples.texts, examples.embeddings, width=3, folds=2, seed=0
    )
    ours, theirs = found.projections[:, :4].norm(dim=1), found.projections[:, 4:].norm(dim=1)
    assert 0.5 < (theirs.mean() / ours.mean()) < 2


def test_a_distilled_scorer_reads_no_embedding() -> None:
    learned = learn(taught(planted(400, seed=1)), config=CONFIG, seed=0, distilled=True)
    plain = planted(300, seed=2)
    assert torch.equal(learned.features(plain), learned.features(taught(plain)))
    scores = learned.scores(learned.features(plain))
    assert ranking_figures(scores, plain.targets).mean_score > 0.85


def test_without_embeddings_there_is_nothing_to_learn_from() -> None:
    with pytest.raises(ValueError, match="no embeddings"):
        learn(planted(60, seed=1), config=CONFIG, seed=0, distilled=True)


def test_a_recipe_with_a_teacher_makes_an_edge_artifact_that_names_it(
    encoder: Path, tmp_path: Path
) -> None:
    train(tmp_path, encoder, role="teacher")
    run("export", tmp_path / "checkpoint", tmp_path / "fp32", "--json")
    held_out = tmp_path / "checkpoint" / "validation.jsonl.gz"
    arguments = [tmp_path / "fp32", tmp_path / "int8", "--precision", "int8", "--records", held_out]
    run("quantize", *arguments, "--json")
    manifest = load_artifact(tmp_path / "int8").manifest
    assert manifest.tier is Tier.EDGE
    assert manifest.encoder_name == "tiny"
    assert not (tmp_path / "int8" / "tokenizer.json").exists()
    output = run(
        "evaluate", tmp_path / "int8", held_out, "--baselines", tmp_path / "first.jsonl", "--json"
    )
    rankings = json.loads(output)["rankings"]
    assert rankings["scorer"]["mean_score"] > rankings["best single model"]["mean_score"]
