"""The whole way: records -> train -> export -> quantize -> evaluate, on a tiny random encoder."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("optimum.onnxruntime", reason="needs the [train] extra")

import onnx
import torch
from onnx import numpy_helper
from typer.testing import CliRunner

from scorer import export
from scorer.__main__ import app
from scorer.artifact import Artifact, Precision, load_artifact, seal_artifact
from scorer.checkpoint import load_checkpoint
from scorer.data.records import read_records
from scorer.parity import ParityError
from scorer.quantize import products_without_weights, quantize_artifact
from scorer.runtime import Runtime
from scorer.train import masked_loss
from tests.train.tiny_encoder import VOCABULARY, WORDS, save_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.train,
    # The exporter warns about its own tracing; nothing of it is ours to mend.
    pytest.mark.filterwarnings("ignore::Warning"),
]

RECIPE = """
name = "tiny"
max_tokens = 16
validation_fraction = 0.25
seed = 5
[encoder]
source = "{encoder}"
name = "tiny"
licence = "none"
[head]
epochs = 60
batch_size = 32
learning_rate = 0.1
weight_decay = 0.0
{tuning}
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

TUNING = """
[tuning]
epochs = 2
batch_size = 16
encoder_learning_rate = 0.001
head_learning_rate = 0.01
weight_decay = 0.01
warmup_fraction = 0.1
"""


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """A directory with records, a checkpoint, its artifact and the quantized artifact."""
    path = tmp_path_factory.mktemp("house")
    train(path, encoder)
    run("export", path / "checkpoint", path / "fp32", "--created", "2026-01-02", "--json")
    held_out = path / "checkpoint" / "validation.jsonl.gz"
    run("quantize", path / "fp32", path / "int8", "--records", held_out, "--json")
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def train(directory: Path, encoder: Path, *, order: int = 0, tuning: str = "") -> None:
    write_pools(directory, order=order)
    recipe = directory / "recipe.toml"
    recipe.write_text(RECIPE.format(encoder=encoder, tuning=tuning), encoding="utf-8")
    run("train", recipe, directory / "checkpoint", "--data", directory, "--json")


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
        query = " ".join(words)
        pools[pool].append({"id": str(index), "task": "t", "query": query, "scores": scores})
    for name, rows in pools.items():
        random.Random(order).shuffle(rows)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (directory / f"{name}.jsonl").write_text(text, encoding="utf-8")


def test_every_step_leaves_a_verified_artifact_whose_parity_gates_hold(house: Path) -> None:
    fp32, int8 = load_artifact(house / "fp32"), load_artifact(house / "int8")
    assert (fp32.manifest.precision, int8.manifest.precision) == (Precision.FP32, Precision.INT8)
    assert fp32.manifest.created == int8.manifest.created == "2026-01-02"
    assert int8.manifest.model_ids == ("maths", "poet", "shared")
    assert all(check.passed for check in int8.manifest.parity)
    gated = {c.name for c in int8.manifest.parity if c.minimum is not None or c.maximum is not None}
    assert gated == {
        "torch_onnx_max_difference",
        "int8_mean_difference",
        "int8_top_1_agreement",
        "int8_chosen_score_loss",
        "int8_companion_mean_difference",
    }
    assert int8.model_path.stat().st_size < fp32.model_path.stat().st_size
    names = {path.name for path in (house / "int8").iterdir()}
    assert names == {"manifest.json", "model.onnx", "tokenizer.json"}


def test_the_scorer_learns_which_model_is_good_at_what_from_incomplete_labels(house: Path) -> None:
    runtime = Runtime.open(load_artifact(house / "int8"))
    sums, poems = runtime.score([runtime.tokenize("add the sum"), runtime.tokenize("rhyme a poem")])
    maths, poet = (runtime.model_ids.index(name) for name in ("maths", "poet"))
    assert min(sums[maths], poems[poet]) > 0.7
    assert max(sums[poet], poems[maths]) < 0.3


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


def test_the_loss_ignores_labels_that_do_not_exist() -> None:
    logits = torch.tensor([[2.0, -1.0], [0.5, 3.0]], requires_grad=True)
    some = torch.tensor([[1.0, float("nan")], [float("nan"), 0.0]])
    loss = masked_loss(logits, some)
    present = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.tensor([2.0, 3.0]), torch.tensor([1.0, 0.0])
    )
    assert float(loss) == pytest.approx(float(present))
    loss.backward()
    assert logits.grad[0, 1] == 0
    assert logits.grad[1, 0] == 0


def test_the_order_of_the_records_does_not_change_whose_score_is_whose(
    house: Path, encoder: Path, tmp_path: Path
) -> None:
    train(tmp_path, encoder, order=9)
    ours = load_checkpoint(house / "checkpoint").scorer
    shuffled = load_checkpoint(tmp_path / "checkpoint").scorer
    assert shuffled.config.model_ids == ours.config.model_ids
    query = torch.tensor([[VOCABULARY[word] for word in ("[CLS]", "add", "sum", "[SEP]")]])
    with torch.no_grad():
        outputs = [scorer(query, torch.ones_like(query))["scores"] for scorer in (ours, shuffled)]
    assert float((outputs[0] - outputs[1]).abs().max()) < 0.15


def test_tuning_the_encoder_is_kept_where_it_helps_on_held_out_records(
    house: Path, encoder: Path, tmp_path: Path
) -> None:
    train(tmp_path, encoder, tuning=TUNING)
    frozen = load_checkpoint(house / "checkpoint").facts.metrics
    tuned = load_checkpoint(tmp_path / "checkpoint").facts.metrics
    name = "validation_loss_before_calibration"
    assert tuned[name] < frozen[name]


def test_a_recipe_and_its_records_give_the_same_weights_again(
    house: Path, encoder: Path, tmp_path: Path
) -> None:
    train(tmp_path, encoder)
    again = load_checkpoint(tmp_path / "checkpoint").scorer.state_dict()
    for name, tensor in load_checkpoint(house / "checkpoint").scorer.state_dict().items():
        assert torch.equal(tensor, again[name]), name


def test_an_export_that_does_not_agree_with_torch_leaves_nothing_behind(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = export.write_graph

    def write_corrupted(scorer: torch.nn.Module, path: Path) -> None:
        damaged = type(scorer)(scorer.config)
        damaged.load_state_dict(scorer.state_dict())
        with torch.no_grad():
            damaged.head.bias.add_(0.01)
        write(damaged, path)

    monkeypatch.setattr(export, "write_graph", write_corrupted)
    with pytest.raises(ParityError, match="torch_onnx_max_difference"):
        export.export_artifact(house / "checkpoint", tmp_path / "bad", created="2026-01-02")
    assert list(tmp_path.iterdir()) == []


def spoil(source: Artifact, directory: Path) -> Artifact:
    """An artifact with one huge weight: its scale leaves nothing for all others in eight bits."""
    graph = onnx.load(source.model_path)
    (table,) = [t for t in graph.graph.initializer if "word_embeddings" in t.name]
    values = numpy_helper.to_array(table).copy()
    values[0, 0] = 1e4
    table.CopyFrom(numpy_helper.from_array(values, table.name))
    directory.mkdir()
    onnx.save(graph, directory / "model.onnx")
    (directory / "tokenizer.json").write_bytes(source.tokenizer_path.read_bytes())
    return seal_artifact(directory, source.manifest)


def test_a_quantization_that_costs_too_much_leaves_nothing_behind(
    house: Path, tmp_path: Path
) -> None:
    artifact = spoil(load_artifact(house / "fp32"), tmp_path / "spoiled")
    records = read_records(house / "checkpoint" / "validation.jsonl.gz")
    with pytest.raises(ParityError, match="int8_mean_difference"):
        quantize_artifact(artifact, tmp_path / "bad", records=records)
    assert [path.name for path in tmp_path.iterdir()] == ["spoiled"]


def test_products_that_hold_no_weights_are_left_alone(house: Path) -> None:
    # Two per layer in attention, and queries times model embeddings.
    assert len(products_without_weights(house / "fp32" / "model.onnx")) == 2 * 2 + 1
    graph = onnx.load(house / "int8" / "model.onnx").graph
    assert sum(node.op_type == "MatMul" for node in graph.node) == 5
    assert sum(node.op_type == "MatMulInteger" for node in graph.node) == 2 * 6


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
