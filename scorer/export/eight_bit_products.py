"""Turns an encoder's matrix products into products of eight-bit integers. Needs onnx.

``x -> QuantizeLinear -> DequantizeLinear -> MatMul <- DequantizeLinear <- integer weights``

This is ONNX's standard notation (QDQ). ONNX Runtime replaces the nodes around a product by one integer
product, or, if told so, drops them and multiplies in fp32.

Inputs have one scale and zero point per product, from the range that was observed, and weights one
scale per column. They are the same for all queries, so a score does not depend on its batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort
from onnx import ModelProto, TensorProto, helper, numpy_helper

from scorer.export import graph

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt
    from onnx import GraphProto, NodeProto

LARGEST_WEIGHT = 63
"""Two products of such a weight with an input of eight bits fit into sixteen bits. Processors with AVX2
but without VNNI add them there, and cut off what does not fit."""

SMALLEST_RANGE = 1e-9
"""Least range of numbers to round, so that zeros have a scale too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The smallest and the largest number of a value; zero is always in it."""

    low: float
    high: float


def observed_ranges(
    model: ModelProto, feeds: Iterable[Mapping[str, npt.NDArray[np.int64]]]
) -> dict[str, Range]:
    """Runs an fp32 graph; returns the ranges of the inputs of its encoder's products by name."""
    names = list(dict.fromkeys(each.input[0] for each in graph.encoder_products(model.graph)))
    if not names:
        return {}
    observed = ModelProto.FromString(model.SerializeToString())
    observed.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
    )
    session = ort.InferenceSession(observed.SerializeToString(), providers=["CPUExecutionProvider"])
    low, high = np.zeros(len(names)), np.zeros(len(names))
    for feed in feeds:
        values = session.run(names, feed)
        low = np.minimum(low, [value.min() for value in values])
        high = np.maximum(high, [value.max() for value in values])
    return {
        name: Range(low=float(low[index]), high=float(high[index]))
        for index, name in enumerate(names)
    }


def quantize_products(model: ModelProto, ranges: Mapping[str, Range]) -> None:
    """Turns the encoder's products into eight-bit ones, given the ranges of their inputs."""
    for value, found in ranges.items():
        scale = np.float32(max(found.high - found.low, SMALLEST_RANGE) / 255)
        zero = np.uint8(np.clip(np.rint(-found.low / scale), 0, 255))
        _add_weight(model.graph, f"{value}.scale", scale)
        _add_weight(model.graph, f"{value}.zero", zero)
    for product in graph.encoder_products(model.graph):
        value, weight = product.input
        steps = [*_rounded_input(product, value), _integer_weights(model.graph, product, weight)]
        graph.insert_before(model.graph, product, steps)
        product.input[:] = [f"{product.name}.input", f"{product.name}.weight"]
    # The types that the exporter recorded for the weights no longer hold.
    del model.graph.value_info[:]


def _rounded_input(product: NodeProto, value: str) -> list[NodeProto]:
    """Returns the nodes that round the input of a product.

    Each product has its own: ONNX Runtime drops them for fp32 only if nothing else reads them, and for
    integers it joins those that are equal.
    """
    name, scaling = product.name, [f"{value}.scale", f"{value}.zero"]
    return [
        helper.make_node(
            "QuantizeLinear", [value, *scaling], [f"{name}.rounded"], f"{name}/Quantize"
        ),
        helper.make_node(
            "DequantizeLinear",
            [f"{name}.rounded", *scaling],
            [f"{name}.input"],
            f"{name}/Dequantize",
        ),
    ]


def _integer_weights(target: GraphProto, product: NodeProto, weight: str) -> NodeProto:
    """Rounds a weight (K, N) to integers, and returns the node that widens them."""
    values = numpy_helper.to_array(graph.weights_of(target)[weight])
    scales = np.maximum(np.abs(values).max(axis=0), SMALLEST_RANGE) / LARGEST_WEIGHT
    graph.replace_weight(target, weight, np.rint(values / scales).astype(np.int8))
    _add_weight(target, f"{weight}.scales", scales.astype(np.float32))
    _add_weight(target, f"{weight}.zeros", np.zeros(len(scales), dtype=np.int8))
    return helper.make_node(
        "DequantizeLinear",
        [weight, f"{weight}.scales", f"{weight}.zeros"],
        [f"{product.name}.weight"],
        f"{product.name}/Weight",
        axis=1,
    )


def _add_weight(
    target: GraphProto, name: str, values: npt.NDArray[np.generic] | np.generic
) -> None:
    target.initializer.append(numpy_helper.from_array(np.asarray(values), name))
