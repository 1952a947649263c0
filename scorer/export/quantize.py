"""Writes an fp32 artifact as int8 or fp16, with parity measured on held-out records.

int8: the encoder's matrix products are products of eight-bit integers, by scales that were observed
on every second held-out record; parity is measured on the others. Lookup tables have one scale per
row. The mixture stays fp32: it is small, and rounding it would move the scores.

fp16, for GPUs: everything up to the features. The sums over n-grams, the mixture and the calibration
stay fp32, since numbers there are large or differ little from one another.

Needs onnx, and no torch.
"""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from scorer.data.records import targets_of
from scorer.data.staging import staged
from scorer.evaluation.evaluate import score_all
from scorer.export import graph, parity
from scorer.export.eight_bit_products import observed_ranges, quantize_products
from scorer.export.half_precision import halve
from scorer.runtime.artifact import (
    TOKENIZER_FILE,
    Artifact,
    Precision,
    Tier,
    seal_artifact,
)
from scorer.runtime.artifact_files import MODEL_FILE
from scorer.runtime.runtime import Runtime, feeds_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from onnx import ModelProto, NodeProto

    from scorer.data.records import Record
    from scorer.export.eight_bit_products import Range
    from scorer.runtime.artifact import ParityCheck

BATCH_SIZE = 16


def quantize_artifact(
    source: Artifact, output: Path, *, precision: Precision, records: Sequence[Record]
) -> Artifact:
    """Writes an artifact with fewer bits.

    Args:
        source: The fp32 artifact.
        output: The directory of the new artifact; must not exist.
        precision: int8 or fp16.
        records: Held-out records for ranges and parity; never those of a test.

    Raises:
        ParityError: A gate fails; nothing is written.
    """
    model = onnx.load(source.model_path)
    if precision is Precision.INT8:
        observed, records = records[::2], records[1::2] or records
        model = int8_model(model, _ranges(source, model, observed))
    else:
        model = fp16_model(model)
    with staged(output) as directory:
        onnx.save(model, directory / MODEL_FILE)
        if source.manifest.tier is Tier.BASE:
            shutil.copyfile(source.tokenizer_path, directory / TOKENIZER_FILE)
        manifest = dataclasses.replace(source.manifest, precision=precision)
        checks = measure(source, seal_artifact(directory, manifest), records)
        parity.require(checks)
        manifest = dataclasses.replace(manifest, parity=source.manifest.parity + checks)
        manifest = seal_artifact(directory, manifest).manifest
    return Artifact(path=output, manifest=manifest)


def int8_model(model: ModelProto, ranges: Mapping[str, Range]) -> ModelProto:
    """Turns an fp32 graph into int8, given the ranges of the products' inputs; changes the graph."""
    _quantize_tables(model)
    quantize_products(model, ranges)
    return model


def _ranges(source: Artifact, model: ModelProto, records: Sequence[Record]) -> dict[str, Range]:
    """Returns the ranges of the products' inputs, one text at a time: padding has no part in them."""
    runtime = Runtime.open(source)
    queries = (runtime.tokenize(record.query) for record in parity.probe_of(records))
    return observed_ranges(model, (feeds_of(source.manifest.tier, [query]) for query in queries))


def fp16_model(model: ModelProto) -> ModelProto:
    """Turns an fp32 graph into fp16; the given graph is changed."""
    (sums,) = (each for each in graph.lookups(model.graph) if each.input[0] == graph.PROJECTION)
    halve(model, up_to=sums.output[0])
    return model


def measure(
    source: Artifact, quantized: Artifact, records: Sequence[Record]
) -> tuple[ParityCheck, ...]:
    """Compares an artifact in fp32 and with fewer bits on held-out records."""
    probe = parity.probe_of(records)
    texts = [record.query for record in probe]
    runtime = Runtime.open(quantized)
    return parity.precision_checks(
        quantized.manifest.precision,
        fp32=score_all(Runtime.open(source), texts, BATCH_SIZE),
        fewer=score_all(runtime, texts, BATCH_SIZE),
        fewer_alone=score_all(runtime, texts, 1),
        targets=targets_of(probe, source.manifest.model_ids),
    )


def _quantize_tables(model: ModelProto) -> None:
    """Stores the lookup tables with eight bits and one scale per row."""
    for lookup in graph.lookups(model.graph):
        table = graph.weights_of(model.graph)[lookup.input[0]]
        values = numpy_helper.to_array(table)
        scales = np.abs(values).max(axis=1, keepdims=True) / 127
        rows = np.rint(values / np.maximum(scales, np.finfo(np.float32).tiny)).astype(np.int8)
        scales_name = f"{table.name}.scales"
        graph.replace_weight(model.graph, table.name, rows)
        model.graph.initializer.append(
            numpy_helper.from_array(scales.astype(np.float32), scales_name)
        )
        graph.insert_before(model.graph, lookup, _scaled_lookup(lookup, scales_name))
        model.graph.node.remove(lookup)


def _scaled_lookup(lookup: NodeProto, scales: str) -> list[NodeProto]:
    """Returns the nodes of a lookup in a table of integers with one scale per row."""
    table, ids = lookup.input
    (output,) = lookup.output
    return [
        helper.make_node("Gather", [table, ids], [f"{output}.rows"], f"{lookup.name}/Rows"),
        helper.make_node(
            "Cast",
            [f"{output}.rows"],
            [f"{output}.cast"],
            f"{lookup.name}/Cast",
            to=TensorProto.FLOAT,
        ),
        helper.make_node("Gather", [scales, ids], [f"{output}.scales"], f"{lookup.name}/Scales"),
        helper.make_node(
            "Mul", [f"{output}.cast", f"{output}.scales"], [output], f"{lookup.name}/Scaled"
        ),
    ]
