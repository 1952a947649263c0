"""fp32 artifact -> int8 artifact, through optimum, with parity measured on held-out records.

Dynamic quantization, one scale per channel, weights in seven bits (``reduce_range``: processors
without VNNI saturate with eight) and the embedding table included: a quarter of the size. Static
quantization was slower and less exact on this encoder, and one scale per tensor far less exact.
Needs optimum, which needs torch.
"""

from __future__ import annotations

import dataclasses
import logging
import shutil
from typing import TYPE_CHECKING

import onnx
from optimum.onnxruntime import ORTQuantizer
from optimum.onnxruntime.configuration import AutoQuantizationConfig

from scorer import parity
from scorer.artifact import MODEL_FILE, TOKENIZER_FILE, Artifact, Precision, seal_artifact
from scorer.data.records import targets_of
from scorer.evaluate import score_all
from scorer.runtime import Runtime
from scorer.staging import staged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scorer.artifact import ParityCheck
    from scorer.data.records import Record

OPERATORS = ["MatMul", "Gather"]
BATCH_SIZE = 16


def quantize_artifact(source: Artifact, output: Path, *, records: Sequence[Record]) -> Artifact:
    """Writes the int8 form of an artifact.

    Args:
        source: The fp32 artifact.
        output: The directory of the new artifact; must not exist.
        records: Held-out records to measure parity on; never those of a test.

    Raises:
        ParityError: A gate fails; nothing is written.
    """
    with staged(output) as directory:
        write_quantized(source.model_path, directory / MODEL_FILE)
        shutil.copyfile(source.tokenizer_path, directory / TOKENIZER_FILE)
        manifest = dataclasses.replace(source.manifest, precision=Precision.INT8)
        checks = measure(source, seal_artifact(directory, manifest), records)
        parity.require(checks)
        manifest = dataclasses.replace(manifest, parity=source.manifest.parity + checks)
        manifest = seal_artifact(directory, manifest).manifest
    return Artifact(path=output, manifest=manifest)


def write_quantized(source: Path, target: Path) -> None:
    """Writes the int8 form of an ONNX graph."""
    config = AutoQuantizationConfig.avx2(
        is_static=False,
        per_channel=True,
        reduce_range=True,
        operators_to_quantize=OPERATORS,
        nodes_to_exclude=products_without_weights(source),
    )
    # It warns that a graph without a transformers config suits its own loader less; we have ours.
    logging.getLogger("optimum.onnxruntime.quantization").setLevel(logging.ERROR)
    workshop = target.with_suffix(".quantizing")
    quantizer = ORTQuantizer.from_pretrained(source.parent, file_name=source.name)
    quantizer.quantize(save_dir=workshop, quantization_config=config, file_suffix=None)
    (workshop / source.name).rename(target)
    # Optimum leaves its own description beside the graph; the manifest is ours.
    shutil.rmtree(workshop)


def products_without_weights(graph_path: Path) -> list[str]:
    """Returns the names of the matrix products of two activations: attention's, and the head's.

    They hold no weights, so quantizing them saves nothing and only adds error.
    """
    graph = onnx.load(graph_path, load_external_data=False).graph
    constants = {tensor.name for tensor in graph.initializer}
    products = (node for node in graph.node if node.op_type == "MatMul")
    return [node.name for node in products if node.input[1] not in constants]


def measure(
    source: Artifact, quantized: Artifact, records: Sequence[Record]
) -> tuple[ParityCheck, ...]:
    """Compares an artifact and its quantized form on held-out records."""
    probe = parity.probe_of(records)
    texts = [record.query for record in probe]
    runtime = Runtime.open(quantized)
    return parity.quantization_checks(
        fp32=score_all(Runtime.open(source), texts, BATCH_SIZE),
        int8=score_all(runtime, texts, BATCH_SIZE),
        int8_alone=score_all(runtime, texts, 1),
        targets=targets_of(probe, source.manifest.model_ids),
    )
