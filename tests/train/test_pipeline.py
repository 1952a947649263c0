"""The whole way: records -> train -> export -> quantize -> evaluate, in both tiers."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("optimum.onnxruntime", reason="needs the [train] extra")

import torch
from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.data.records import read_records
from scorer.export import export
from scorer.export.parity import ParityError
from scorer.measures.benefit import benefit_in
from scorer.measures.intervals import Interval
from scorer.runtime.artifact import Precision, Tier, load_artifact
from scorer.runtime.runtime import Runtime
from scorer.runtime.team_rule import TeamRule
from scorer.training.checkpoint import load_checkpoint
from tests.train.tiny_house import run, tier_of, train, train_options, write_pools, write_recipe

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.train,
    pytest.mark.timeout(300),
    # The exporter warns about its own tracing; nothing of it is ours to mend.
    pytest.mark.filterwarnings("ignore::Warning"),
]


def test_every_step_leaves_a_verified_artifact_whose_parity_gates_hold(house: Path) -> None:
    names = {"manifest.json", "model.onnx"}
    names |= {"tokenizer.json"} if tier_of(house) is Tier.BASE else set()
    fp32 = load_artifact(house / "fp32")
    for precision in (Precision.INT8, Precision.FP16):
        smaller = load_artifact(house / precision)
        assert smaller.manifest.precision is precision
        assert smaller.manifest.created == fp32.manifest.created == "2026-01-02"
        assert smaller.manifest.model_ids == ("maths", "poet", "shared")
        checks = smaller.manifest.parity
        assert all(check.passed for check in checks)
        assert {c.name for c in checks if c.minimum is not None or c.maximum is not None} == {
            "torch_onnx_max_difference",
            f"{precision}_mean_difference",
            f"{precision}_top_1_agreement",
            f"{precision}_chosen_score_loss",
            f"{precision}_companion_max_difference",
        }
        assert smaller.model_path.stat().st_size < fp32.model_path.stat().st_size
        assert {path.name for path in (house / precision).iterdir()} == names


@pytest.mark.parametrize("precision", ["fp32", "int8", "fp16"])
def test_the_scorer_learns_which_model_is_good_at_what_from_incomplete_labels(
    house: Path, precision: str
) -> None:
    runtime = Runtime.open(load_artifact(house / precision))
    queries = [runtime.tokenize(text) for text in ("add the sum", "verse and rhyme a poem")]
    sums, poems = runtime.score(queries)
    maths, poet = (runtime.model_ids.index(name) for name in ("maths", "poet"))
    # Neither has a label in the other's file, which says nothing of it: its scores stay guarded.
    assert sums[maths] > sums[poet] + 0.1
    assert poems[poet] > poems[maths] + 0.1


def test_a_reading_says_what_kind_of_query_it_is_and_how_long_replies_are(house: Path) -> None:
    runtime = Runtime.open(load_artifact(house / "int8"))
    queries = [runtime.tokenize(text) for text in ("add the sum", "verse and rhyme a poem")]
    reading = runtime.predict(queries)
    assert np.allclose(reading.class_weights.sum(axis=1), 1, atol=1e-5)
    assert ((reading.uncertainty >= 0) & (reading.uncertainty <= 1)).all()
    assert np.array_equal(reading.scores, runtime.score(queries))
    assert reading.completion_tokens is not None
    assert (reading.completion_tokens[1] > 2 * reading.completion_tokens[0]).all()
    teams = [{runtime.model_ids[column] for column in team} for team in runtime.team(queries, 2)]
    assert "maths" in teams[0]
    assert "poet" in teams[1]
    assert [len(team) for team in teams] == [2, 2]


def test_evaluation_beats_the_baselines_and_stays_below_the_oracle(house: Path) -> None:
    records = house / "checkpoint" / "validation.jsonl.gz"
    baselines = house / "first.jsonl"
    output = run("evaluate", house / "int8", records, "--baselines", baselines, "--json")
    result = json.loads(output)
    figures = {name: figures["mean_score"] for name, figures in result["rankings"].items()}
    assert figures["random"] < figures["scorer"] <= figures["oracle"]
    assert figures["best single model"] < figures["scorer"]
    assert result["calibration"]["calibration_error"] < 0.2


def test_training_tells_whether_it_helps_and_export_asks_before_a_worse_scorer(
    house: Path, tmp_path: Path
) -> None:
    measured = benefit_in(load_artifact(house / "int8").manifest.metrics)
    assert measured is not None
    # Few records were held out, so every record was tried by a scorer that had not learned from it.
    assert measured.record_count == 240
    gain = measured.over_best_single
    assert gain.low < gain.mean < gain.high
    shutil.copytree(house / "checkpoint", tmp_path / "checkpoint")
    facts = tmp_path / "checkpoint" / "facts.json"
    document = json.loads(facts.read_text())
    loss = Interval(mean=-0.05, low=-0.09, high=-0.01)
    worse = dataclasses.replace(measured, over_best_single=loss)
    document["metrics"] |= worse.figures
    facts.write_text(json.dumps(document))
    arguments = ["export", str(tmp_path / "checkpoint"), str(tmp_path / "fp32")]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 1
    assert f"is worse than always taking {document['best_single']}" in refused.stderr
    assert not (tmp_path / "fp32").exists()
    taken = CliRunner().invoke(app, [*arguments, "--even-if-worse"])
    assert taken.exit_code == 0, taken.output
    assert "warning: Choosing by query is worse" in taken.stderr


def test_every_record_is_either_trained_on_or_held_out(house: Path) -> None:
    held_out = read_records(house / "checkpoint" / "validation.jsonl.gz")
    sources = load_artifact(house / "int8").manifest.data_sources
    assert len(held_out) == sum(source.validation_rows for source in sources)
    assert sum(source.train_rows + source.validation_rows for source in sources) == 240


def test_a_recipe_and_its_records_give_the_same_weights_again_in_any_order(
    house: Path, encoder: Path, tmp_path: Path
) -> None:
    tier = tier_of(house)
    train(tmp_path, encoder if tier is Tier.BASE else None)
    ours = load_checkpoint(house / "checkpoint").scorer
    again = load_checkpoint(tmp_path / "checkpoint").scorer.state_dict()
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, again[name]), name


@pytest.mark.timeout(240)
def test_a_training_that_is_killed_goes_on_where_it_was(
    house: Path, encoder: Path, tmp_path: Path
) -> None:
    if tier_of(house) is Tier.EDGE:
        pytest.skip("the edge tier embeds nothing")
    write_pools(tmp_path, order=0)
    write_recipe(tmp_path, encoder)
    command = ["train", tmp_path / "recipe.toml", tmp_path / "checkpoint", *train_options(tmp_path)]
    # One text per shard, and a pause after each, so that there is a moment to kill it at.
    slow = (
        "import sys, time; from scorer.training import embedding, embedding_cache;"
        "embedding_cache.SHARD_SIZE = 1; encode = embedding.FrozenEncoder.encode;"
        "embedding.FrozenEncoder.encode = lambda *a: (time.sleep(0.05), encode(*a))[1];"
        "from scorer.__main__ import app; app(sys.argv[1:])"
    )
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", slow, *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        deadline_s = time.monotonic() + 120
        while len(list(tmp_path.glob("embeddings/*/*.npz"))) < 5:
            assert process.poll() is None
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("embeddings/*/*.npz")}
    assert 5 <= len(kept) < 180
    assert not (tmp_path / "checkpoint").exists()
    run(*command)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    resumed = load_checkpoint(tmp_path / "checkpoint").facts.metrics
    assert resumed == pytest.approx(load_checkpoint(house / "checkpoint").facts.metrics, abs=1e-3)


def test_the_rule_of_the_team_reaches_every_artifact_made_of_the_checkpoint(
    house: Path, tmp_path: Path
) -> None:
    shutil.copytree(house / "checkpoint", tmp_path / "checkpoint")
    facts = tmp_path / "checkpoint" / "facts.json"
    document = json.loads(facts.read_text())
    assert document["team_rule"] == TeamRule.COVERING  # three models are a team of three either way
    facts.write_text(json.dumps({**document, "team_rule": TeamRule.BEST_SCORES}))
    held_out = tmp_path / "checkpoint" / "validation.jsonl.gz"
    run("export", tmp_path / "checkpoint", tmp_path / "fp32", "--created", "2026-01-02")
    arguments = [tmp_path / "fp32", tmp_path / "int8", "--precision", "int8"]
    run("quantize", *arguments, "--records", held_out)
    names = ["--model", "poet", "--to", "bard"]
    run("rename-model", tmp_path / "int8", *names, "--output", tmp_path / "renamed")
    runtime = Runtime.open(load_artifact(tmp_path / "renamed"))
    query = runtime.tokenize("add the sum")
    best = np.argsort(-runtime.score([query]), axis=1)
    assert np.array_equal(runtime.team([query], 3), best)
    assert runtime.artifact.manifest.team_rule is TeamRule.BEST_SCORES


def test_an_export_that_does_not_agree_with_torch_leaves_nothing_behind(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = export.write_graph

    def write_corrupted(scorer: torch.nn.Module, path: Path) -> None:
        damaged = type(scorer)(scorer.config)
        damaged.load_state_dict(scorer.state_dict())
        with torch.no_grad():
            damaged.offset.add_(0.01)
        write(damaged, path)

    monkeypatch.setattr(export, "write_graph", write_corrupted)
    warnings: list[str] = []
    with pytest.raises(ParityError, match="torch_onnx_max_difference"):
        export.export_artifact(
            house / "checkpoint",
            tmp_path / "bad",
            created="2026-01-02",
            even_if_worse=False,
            warn=warnings.append,
        )
    assert list(tmp_path.iterdir()) == []
    assert all("nearest neighbours" in warning for warning in warnings)  # they suit toy records
