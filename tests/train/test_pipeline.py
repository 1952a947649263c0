"""The whole way: records -> train -> export -> quantize -> evaluate -> add a model, in both tiers."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("optimum.onnxruntime", reason="needs the [train] extra")

import onnx
import torch
from onnx import numpy_helper
from typer.testing import CliRunner

from scorer import export
from scorer.__main__ import app
from scorer.artifact import Artifact, Precision, Tier, load_artifact, seal_artifact
from scorer.checkpoint import load_checkpoint
from scorer.data.records import read_records
from scorer.parity import ParityError
from scorer.quantize import quantize_artifact
from scorer.runtime import Runtime
from tests.train.tiny_encoder import WORDS, save_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.train,
    pytest.mark.timeout(300),
    # The exporter warns about its own tracing; nothing of it is ours to mend.
    pytest.mark.filterwarnings("ignore::Warning"),
]

RECIPE = """
name = "tiny"
max_tokens = 16
validation_fraction = 0.25
seed = 5
{encoder}
[learner]
ngram_buckets = 256
projection_width = 8
max_classes = 2
class_ridges = [10.0]
folds = 2
[[sources]]
name = "first"
file = "first.jsonl"
licence = "none"
url = "none"
[[sources]]
name = "second"
file = "second.jsonl"
licence = "none"
url = "none"
"""

ENCODER = """
[encoder]
source = "{source}"
name = "tiny"
licence = "none"
layers = 1
"""

TIERS = ["base", "edge"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module", params=TIERS)
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, encoder: Path
) -> Path:
    """A directory with records, a checkpoint, its artifact and the artifacts with fewer bits."""
    path = tmp_path_factory.mktemp(request.param)
    train(path, encoder if request.param == "base" else None)
    run("export", path / "checkpoint", path / "fp32", "--created", "2026-01-02", "--json")
    held_out = path / "checkpoint" / "validation.jsonl.gz"
    for precision in ("int8", "fp16"):
        arguments = [path / "fp32", path / precision, "--precision", precision]
        run("quantize", *arguments, "--records", held_out, "--json")
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def train(directory: Path, encoder: Path | None, *, order: int = 0) -> None:
    write_pools(directory, order=order)
    write_recipe(directory, encoder)
    run("train", directory / "recipe.toml", directory / "checkpoint", *train_options(directory))


def write_recipe(directory: Path, encoder: Path | None) -> None:
    section = ENCODER.format(source=encoder) if encoder else ""
    text = RECIPE.format(encoder=section)
    (directory / "recipe.toml").write_text(text, encoding="utf-8")


def train_options(directory: Path) -> list[object]:
    return ["--data", directory, "--cache", directory / "embeddings", "--json"]


def write_pools(directory: Path, *, order: int) -> None:
    """Two pools: `maths` is good at sums, `poet` at poems; `shared` is in both and middling."""
    draw = random.Random(3)
    pools: dict[str, list[dict[str, object]]] = {"first": [], "second": []}
    for index in range(240):
        about_sums = index % 2 == 0
        topic = WORDS[:3] if about_sums else WORDS[3:6]
        words = [*draw.choices(topic, k=3), *draw.choices(WORDS[6:], k=draw.randint(1, 12))]
        right, wrong = float(draw.random() < 0.95), float(draw.random() < 0.05)
        shared = float(draw.random() < 0.5)
        if index % 4 < 2:
            pool, scores = "first", {"maths": right if about_sums else wrong, "shared": shared}
        else:
            pool, scores = "second", {"poet": wrong if about_sums else right, "shared": shared}
        row = {
            "id": str(index),
            "task": "sums" if about_sums else "poems",
            "query": " ".join(words),
        }
        lengths = dict.fromkeys(scores, 10 if about_sums else 100)
        pools[pool].append({**row, "scores": scores, "completion_tokens": lengths})
    for name, rows in pools.items():
        random.Random(order).shuffle(rows)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (directory / f"{name}.jsonl").write_text(text, encoding="utf-8")


def tier_of(house: Path) -> Tier:
    return load_artifact(house / "fp32").manifest.tier


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
    reading = runtime.read(queries)
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
        "import sys, time; from scorer import embedding, embedding_cache;"
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
    with pytest.raises(ParityError, match="torch_onnx_max_difference"):
        export.export_artifact(house / "checkpoint", tmp_path / "bad", created="2026-01-02")
    assert list(tmp_path.iterdir()) == []


def spoil(source: Artifact, directory: Path) -> Artifact:
    """An artifact with a huge number in each row of n-grams: its scale leaves nothing for the rest."""
    graph = onnx.load(source.model_path)
    (table,) = [t for t in graph.graph.initializer if t.name == "projection.weight"]
    values = numpy_helper.to_array(table).copy()
    # Opposite signs, so that the sums that are scored hardly move.
    values[1:, 0] = np.where(np.arange(len(values) - 1) % 2, 1e3, -1e3)
    table.CopyFrom(numpy_helper.from_array(values, table.name))
    (directions,) = [t for t in graph.graph.initializer if t.name == "directions"]
    weights = numpy_helper.to_array(directions).copy()
    weights[-values.shape[1] :] *= 1e4
    weights[-values.shape[1]] = 0
    directions.CopyFrom(numpy_helper.from_array(weights, directions.name))
    directory.mkdir()
    onnx.save(graph, directory / "model.onnx")
    if source.manifest.tier is Tier.BASE:
        (directory / "tokenizer.json").write_bytes(source.tokenizer_path.read_bytes())
    return seal_artifact(directory, source.manifest)


def test_a_quantization_that_costs_too_much_leaves_nothing_behind(
    house: Path, tmp_path: Path
) -> None:
    artifact = spoil(load_artifact(house / "fp32"), tmp_path / "spoiled")
    records = read_records(house / "checkpoint" / "validation.jsonl.gz")
    with pytest.raises(ParityError, match="int8_mean_difference"):
        quantize_artifact(artifact, tmp_path / "bad", precision=Precision.INT8, records=records)
    assert [path.name for path in tmp_path.iterdir()] == ["spoiled"]


def test_a_failed_gate_is_shown_as_a_table_and_ends_with_status_1(
    house: Path, tmp_path: Path
) -> None:
    spoil(load_artifact(house / "fp32"), tmp_path / "spoiled")
    held_out = house / "checkpoint" / "validation.jsonl.gz"
    arguments = [str(tmp_path / "spoiled"), str(tmp_path / "bad"), "--records", str(held_out)]
    result = CliRunner().invoke(app, ["quantize", *arguments])
    assert result.exit_code == 1
    assert "NO" in result.stdout
    assert "nothing was written" in result.stderr


def test_int8_leaves_products_of_two_activations_and_the_mixture_alone(house: Path) -> None:
    encoder_products = 6 if tier_of(house) is Tier.BASE else 0
    attention_products = 2 if tier_of(house) is Tier.BASE else 0
    graph = onnx.load(house / "int8" / "model.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("MatMulNBits") == encoder_products
    # The mixture's: with the directions, the success and the tokens.
    assert kinds.count("MatMul") == attention_products + 3
    weights = {tensor.name: tensor.data_type for tensor in graph.initializer}
    assert weights["projection.weight"] == onnx.TensorProto.INT8
    assert weights["directions"] == weights["success_by_class"] == onnx.TensorProto.FLOAT


def test_fp16_leaves_the_mixture_alone(house: Path) -> None:
    graph = onnx.load(house / "fp16" / "model.onnx").graph
    weights = {tensor.name: tensor.data_type for tensor in graph.initializer}
    wide = {name for name, kind in weights.items() if kind == onnx.TensorProto.FLOAT}
    assert {"directions", "bias", "success_by_class", "slope", "offset"} <= wide
    assert weights["projection.weight"] == onnx.TensorProto.FLOAT16
    assert not any("encoder" in name for name in wide)


@pytest.mark.parametrize("precision", ["fp32", "int8", "fp16"])
def test_a_model_is_added_from_few_labels_and_renamed_and_removed(
    house: Path, tmp_path: Path, precision: str
) -> None:
    records = newcomer_records(tmp_path, count=120)
    arguments = ["--model", "rhymer", "--output", tmp_path / "more"]
    bar = json.loads(run("add-model", house / precision, records, *arguments, "--json"))
    assert bar["label_count"] == 120
    assert 0 < bar["mean_score_standard_error"] < 0.1
    before, after = load_artifact(house / precision), load_artifact(tmp_path / "more")
    assert after.manifest.model_ids == (*before.manifest.model_ids, "rhymer")
    assert after.manifest.version != before.manifest.version
    assert after.manifest.data_sources[-1].name == "new"
    assert after.manifest.data_sources[-1].train_rows == 120
    runtime, old = Runtime.open(after), Runtime.open(before)
    queries = [runtime.tokenize(text) for text in ("add the sum", "verse and rhyme a poem")]
    scores = runtime.score(queries)
    assert np.allclose(scores[:, :3], old.score(queries), atol=1e-5)
    assert scores[1, 3] > 0.6
    assert scores[0, 3] < scores[1, 3] - 0.2
    reading = runtime.read(queries)
    assert reading.completion_tokens is not None
    assert reading.completion_tokens.shape == (2, 4)
    run(
        "rename-model",
        tmp_path / "more",
        "--model",
        "maths",
        "--to",
        "m",
        "--output",
        tmp_path / "o",
    )
    run("remove-model", tmp_path / "o", "--model", "poet", "--output", tmp_path / "less")
    less = Runtime.open(load_artifact(tmp_path / "less"))
    assert less.model_ids == ("m", "shared", "rhymer")
    assert np.allclose(less.score(queries), scores[:, [0, 2, 3]], atol=1e-5)


def newcomer_records(directory: Path, *, count: int) -> Path:
    """Queries that a model which writes poems was tried on, and one that it was not."""
    draw = random.Random(8)
    path = directory / "new.jsonl"
    rows = [{"id": "other", "task": "t", "query": "add", "scores": {"someone": 1}}]
    for index in range(count):
        topic = WORDS[:3] if index % 2 else WORDS[3:6]
        text = " ".join([*draw.choices(topic, k=3), *draw.choices(WORDS[6:], k=4)])
        score = float(draw.random() < (0.1 if index % 2 else 0.9))
        rows.append({"id": str(index), "task": "t", "query": text, "scores": {"rhymer": score}})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["add-model", "{artifact}", "{records}", "--model", "maths"], "knows 'maths' already"),
        (["add-model", "{artifact}", "{records}", "--model", "x"], "no record has a score of 'x'"),
        (["remove-model", "{artifact}", "--model", "x"], "does not know 'x'; it knows maths"),
        (["rename-model", "{artifact}", "--model", "x", "--to", "y"], "does not know 'x'"),
        (["rename-model", "{artifact}", "--model", "poet", "--to", "maths"], "knows 'maths'"),
    ],
)
def test_a_roster_that_cannot_be_is_refused_and_nothing_is_written(
    house: Path, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    records = newcomer_records(tmp_path, count=4)
    places = {"artifact": house / "int8", "records": records}
    filled = [argument.format(**places) for argument in arguments]
    result = CliRunner().invoke(app, [*filled, "--output", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["new.jsonl"]
