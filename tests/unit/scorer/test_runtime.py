from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from scorer import (
    ArtifactError,
    Runtime,
    default_artifact_path,
    load_artifact,
)
from scorer.runtime import runtime as runtime_module
from scorer.runtime.artifact import Tier
from scorer.runtime.max_coverage import complementary_models
from scorer.runtime.team_rule import TeamRule

if TYPE_CHECKING:
    from scorer import Artifact

TEXTS = (
    "What is the capital of France?",
    "Prove that the square root of two is irrational.",
    "def f(x):\n    return x[::-1]\nassert f('abc') == ",
    "A train leaves at noon at 60 km/h. " * 12,
)

BATCH_TOLERANCE = 1e-5
"""A score does not depend on what it is batched with, but for rounding."""

BASE = default_artifact_path().parent / "base"


@pytest.fixture(scope="module", params=[BASE, default_artifact_path()], ids=["base", "edge"])
def artifact(request: pytest.FixtureRequest) -> Artifact:
    return load_artifact(request.param)


@pytest.fixture(scope="module")
def runtime(artifact: Artifact) -> Runtime:
    return Runtime.open(artifact, intra_op_threads=1)


def test_the_shipped_artifacts_are_small_and_openly_licensed(artifact: Artifact) -> None:
    manifest = artifact.manifest
    limit = 25_000_000 if manifest.tier is Tier.BASE else 12_000_000
    assert artifact.model_path.stat().st_size <= limit
    assert {source.licence for source in manifest.data_sources} <= {"Apache-2.0", "MIT"}
    assert all(check.passed for check in manifest.parity)


def test_the_default_artifact_says_whose_work_is_in_it() -> None:
    names = {path.name for path in default_artifact_path().iterdir()}
    assert {"MODEL_CARD.md", "NOTICE"} <= names


def test_rows_are_named_by_the_manifest(runtime: Runtime, artifact: Artifact) -> None:
    assert runtime.model_ids == artifact.manifest.model_ids
    assert runtime.version == artifact.manifest.version
    scores = runtime.score([runtime.tokenize(TEXTS[1])])[0]
    by_name = dict(zip(runtime.model_ids, scores, strict=True))
    # Known from the labels, at any query of this kind.
    assert by_name["o1-mini-2024-09-12"] > by_name["gemma-2-2b-it"]
    assert by_name["gemini-1.5-pro-002"] > by_name["Llama-2-7b-hf"]


def test_scores_are_probabilities_of_every_model(runtime: Runtime) -> None:
    scores = runtime.score([runtime.tokenize(text) for text in TEXTS])
    assert scores.shape == (len(TEXTS), len(runtime.model_ids))
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()


def test_a_query_scores_in_a_batch_as_it_does_alone_within_the_stated_tolerance(
    runtime: Runtime,
) -> None:
    queries = [runtime.tokenize(text) for text in TEXTS]
    together = runtime.score(queries)
    alone = np.concatenate([runtime.score([query]) for query in queries])
    assert float(np.abs(together - alone).max()) < BATCH_TOLERANCE


def test_the_same_batch_scores_the_same_every_time(runtime: Runtime) -> None:
    queries = [runtime.tokenize(text) for text in TEXTS]
    assert np.array_equal(runtime.score(queries), runtime.score(queries))


def test_an_empty_batch_has_no_scores(runtime: Runtime) -> None:
    assert runtime.score([]).shape == (0, len(runtime.model_ids))


def test_an_empty_query_and_strange_characters_are_scored_like_any_other(runtime: Runtime) -> None:
    scores = runtime.score([runtime.tokenize(text) for text in ("", "\x00\ud7ff�", "🙂" * 400)])
    assert np.isfinite(scores).all()


def test_a_reading_has_everything_and_the_same_scores(runtime: Runtime) -> None:
    queries = [runtime.tokenize(text) for text in TEXTS]
    reading = runtime.predict(queries)
    assert np.array_equal(reading.scores, runtime.score(queries))
    assert reading.class_weights.shape == (len(TEXTS), runtime.class_count)
    assert np.allclose(reading.class_weights.sum(axis=1), 1, atol=1e-5)
    assert ((reading.uncertainty >= 0) & (reading.uncertainty <= 1)).all()


def test_a_team_is_of_different_models_the_same_alone_and_together(runtime: Runtime) -> None:
    queries = [runtime.tokenize(text) for text in TEXTS]
    teams = runtime.team(queries, 3)
    assert teams.shape == (len(TEXTS), 3)
    assert all(len(set(team)) == 3 for team in teams.tolist())
    alone = np.concatenate([runtime.team([query], 3) for query in queries])
    assert np.array_equal(teams, alone)
    with pytest.raises(ValueError, match="models were asked for"):
        runtime.team(queries, len(runtime.model_ids) + 1)


def test_the_rule_of_the_manifest_decides_the_team_and_the_shipped_artifacts_cover(
    runtime: Runtime, artifact: Artifact
) -> None:
    queries = [runtime.tokenize(text) for text in TEXTS]
    reading = runtime.predict(queries)
    covering = complementary_models(reading.class_weights, runtime.class_success(), count=3)
    assert np.array_equal(runtime.team(queries, 3), covering)
    manifest = dataclasses.replace(artifact.manifest, team_rule=TeamRule.BEST_SCORES)
    other = Runtime.open(dataclasses.replace(artifact, manifest=manifest), intra_op_threads=1)
    best = np.argsort(-reading.scores, axis=1, kind="stable")[:, :3]
    assert np.array_equal(other.team(queries, 3), best)
    assert not np.array_equal(best, covering)


def test_threads_share_a_runtime(runtime: Runtime) -> None:
    queries = [runtime.tokenize(text) for text in TEXTS] * 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda query: runtime.score([query])[0], queries))
    for query, scores in zip(queries, together, strict=True):
        assert np.array_equal(scores, runtime.score([query])[0])


def test_a_graph_that_does_not_fit_its_manifest_is_refused(artifact: Artifact) -> None:
    manifest = dataclasses.replace(artifact.manifest, model_ids=("one", "two"), skills=())
    with pytest.raises(ArtifactError) as caught:
        Runtime.open(dataclasses.replace(artifact, manifest=manifest))
    assert len(caught.value.problems) == 2


def test_each_missing_output_is_named_once_and_in_order(artifact: Artifact) -> None:
    inputs = [
        SimpleNamespace(name=name) for name in runtime_module.INPUT_NAMES[artifact.manifest.tier]
    ]
    session = SimpleNamespace(get_outputs=list, get_inputs=lambda: inputs)
    with pytest.raises(ArtifactError) as caught:
        runtime_module._check_graph(artifact, session)
    assert caught.value.problems == tuple(
        f"model.onnx: has no output {name}" for name in ("scores", "class_weights", "success")
    )


def test_scoring_loads_neither_torch_nor_any_transport() -> None:
    code = (
        "import sys, json, scorer; r = scorer.Runtime.open(scorer.load_artifact("
        "scorer.default_artifact_path())); r.score([r.tokenize('x')]);"
        "sys.stdout.write(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=150
    )
    loaded = set(json.loads(done.stdout))
    assert loaded.isdisjoint({"torch", "transformers", "optimum", "grpc", "aiohttp", "typer"})
