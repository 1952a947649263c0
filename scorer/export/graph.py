"""The ONNX graph of an artifact as a document: which of its weights and nodes are what. Needs onnx.

A weight keeps the name that it has as a parameter of ``scorer.training.model.Scorer``, if the graph takes it as
it is; the exporter turns the encoder's round and names them anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, numpy_helper

if TYPE_CHECKING:
    import numpy.typing as npt
    from onnx import GraphProto, NodeProto

PROJECTION = "projection.weight"
"""A row per id of an n-gram, (buckets, W)."""
DIRECTIONS = "directions"
"""A column per response class, (F, C)."""
SUCCESS = "success_by_class"
"""Chance that a model answers a query of a class well, (C, M)."""
SLOPE = "slope"
OFFSET = "offset"
"""The calibration, with the above, each (M,)."""
EASE = "ease_by_class"
"""Logits that a query of a class gains for every model, (C, 1); only where scores are drawn to their
models' means."""
TOKENS = "tokens_by_class"
"""Expected tokens of a model's reply, (C, M); only where the training data had lengths."""


def weights_of(graph: GraphProto) -> dict[str, TensorProto]:
    """Returns the weights by name."""
    return {tensor.name: tensor for tensor in graph.initializer}


def ease_by_class(graph: GraphProto) -> npt.NDArray[np.float64]:
    """Returns the logits that a query of a class gains for every model, (C,), zeros if none."""
    weights = weights_of(graph)
    if EASE not in weights:
        return np.zeros(weights[SUCCESS].dims[0])
    column: npt.NDArray[np.float64] = numpy_helper.to_array(weights[EASE])[:, 0].astype(np.float64)
    return column


def familiarity_weights(graph: GraphProto) -> set[str]:
    """Returns the names of the weights that tell how foreign a query is."""
    return {tensor.name for tensor in graph.initializer if tensor.name.startswith("familiarity.")}


def lookups(graph: GraphProto) -> list[NodeProto]:
    """Returns the nodes that look rows up in a table of real weights."""
    tables = {
        tensor.name
        for tensor in graph.initializer
        if len(tensor.dims) == 2 and tensor.data_type == TensorProto.FLOAT
    }
    return [node for node in graph.node if node.op_type == "Gather" and node.input[0] in tables]


def products_with(graph: GraphProto, weights: set[str]) -> list[str]:
    """Returns the names of the matrix products whose second factor is one of some weights."""
    products = (node for node in graph.node if node.op_type == "MatMul")
    return [node.name for node in products if node.input[1] in weights]


def dependents(graph: GraphProto, value: str) -> list[str]:
    """Returns the names of the nodes that a value has any influence on."""
    reached, names = {value}, []
    for node in graph.node:  # ONNX demands that they stand in the order in which they run.
        if reached.intersection(node.input):
            reached.update(node.output)
            names.append(node.name)
    return names


def replace_weight(graph: GraphProto, name: str, values: npt.NDArray[np.generic]) -> None:
    """Gives a weight other values, of any shape and type."""
    weights_of(graph)[name].CopyFrom(numpy_helper.from_array(values, name))
