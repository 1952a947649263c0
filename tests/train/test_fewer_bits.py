"""What int8 and fp16 leave alone, and what they are refused for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("optimum.onnxruntime", reason="needs the [train] extra")

import onnx
import onnxruntime as ort
from onnx import numpy_helper
from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.data.records import read_records
from scorer.export.parity import ParityError
from scorer.export.quantize import quantize_artifact
from scorer.runtime.artifact import (
    Artifact,
    ArtifactError,
    Precision,
    Tier,
    load_artifact,
    seal_artifact,
)
from scorer.runtime.runtime import Runtime, feeds_of
from tests.train.tiny_house import tier_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.train,
    pytest.mark.timeout(300),
    # The exporter warns about its own tracing; nothing of it is ours to mend.
    pytest.mark.filterwarnings("ignore::Warning"),
]


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
    # So spoiled, every query would be of an unknown kind, and none would depend on its n-grams.
    (bias,) = [t for t in graph.graph.initializer if t.name == "bias"]
    logits = numpy_helper.to_array(bias).copy()
    logits[-1] = -1e9
    bias.CopyFrom(numpy_helper.from_array(logits, bias.name))
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
    assert kinds.count("QuantizeLinear") == encoder_products  # of the inputs
    assert kinds.count("DequantizeLinear") == 2 * encoder_products  # of inputs and weights
    mixture_products = 4  # with the directions, the mixing, the success and the tokens
    assert kinds.count("MatMul") == encoder_products + attention_products + mixture_products
    weights = {tensor.name: tensor.data_type for tensor in graph.initializer}
    assert weights["projection.weight"] == onnx.TensorProto.INT8
    assert weights["directions"] == weights["success_by_class"] == onnx.TensorProto.FLOAT


def test_int8_products_can_be_taken_in_fp32_without_any_rounding_of_their_inputs(
    house: Path,
) -> None:
    artifact = load_artifact(house / "int8")
    if tier_of(house) is Tier.EDGE:
        with pytest.raises(ArtifactError, match="runs in int8; fp32 was asked for"):
            Runtime.open(artifact, precision=Precision.FP32)
        return
    integers = Runtime.open(artifact)
    widened = Runtime.open(artifact, precision=Precision.FP32)
    assert (integers.precision, widened.precision) == (Precision.INT8, Precision.FP32)
    # The same graph without the nodes that round the inputs.
    model = onnx.load(artifact.model_path)
    rounded = {n.output[0]: n.input[0] for n in model.graph.node if n.op_type == "QuantizeLinear"}
    given = {
        n.output[0]: rounded[n.input[0]]
        for n in model.graph.node
        if n.op_type == "DequantizeLinear" and n.input[0] in rounded
    }
    for node in model.graph.node:
        node.input[:] = [given.get(name, name) for name in node.input]
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    unrounded = ort.InferenceSession(model.SerializeToString(), options)
    queries = [widened.tokenize("please add the sum of a verse")]
    (expected,) = unrounded.run(["scores"], feeds_of(Tier.BASE, queries))
    assert widened.score(queries) == pytest.approx(expected, abs=1e-6)
    assert not np.array_equal(integers.score(queries), widened.score(queries))


def test_fp16_leaves_the_mixture_alone(house: Path) -> None:
    graph = onnx.load(house / "fp16" / "model.onnx").graph
    weights = {tensor.name: tensor.data_type for tensor in graph.initializer}
    wide = {name for name, kind in weights.items() if kind == onnx.TensorProto.FLOAT}
    assert {"directions", "bias", "success_by_class", "slope", "offset"} <= wide
    assert weights["projection.weight"] == onnx.TensorProto.FLOAT16
    assert not any("encoder" in name for name in wide)
