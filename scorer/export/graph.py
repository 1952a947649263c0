"""Finds weights and nodes in the ONNX graph of an artifact. Needs onnx.

A weight has the name of the parameter in ``scorer.training.model.Scorer``, but for the encoder's: the
exporter transposes those and renames them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    from onnx import GraphProto, NodeProto

PROJECTION = "projection.weight"
"""One row per n-gram id, (buckets, W)."""
DIRECTIONS = "directions"
"""One column per kind of query and one for the unknown kind, (F, K + 1)."""
MIXING = "mixing"
"""Shares in the response classes that a query of each kind has, (K + 1, C)."""
SUCCESS = "success_by_class"
"""Probability that a model answers a query of a class well, (C, M)."""
SLOPE = "slope"
"""Slope of each model's calibration, (M,)."""
OFFSET = "offset"
"""Offset of each model's calibration, (M,)."""
TOKENS = "tokens_by_class"
"""Expected tokens of a model's reply, (C, M); only where the training data had lengths."""


def weights_of(graph: GraphProto) -> dict[str, TensorProto]:
    """Returns the weights by name."""
    return {tensor.name: tensor for tensor in graph.initializer}


def lookups(graph: GraphProto) -> list[NodeProto]:
    """Returns the nodes that look rows up in a table of real weights."""
    tables = {
        tensor.name
        for tensor in graph.initializer
        if len(tensor.dims) == 2 and tensor.data_type == TensorProto.FLOAT
    }
    return [node for node in graph.node if node.op_type == "Gather" and node.input[0] in tables]


def encoder_products(graph: GraphProto) -> list[NodeProto]:
    """Returns the matrix products with a weight, but those of the mixture."""
    factors = weights_of(graph).keys() - {DIRECTIONS, MIXING, SUCCESS, TOKENS}
    return [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in factors]


def insert_before(graph: GraphProto, node: NodeProto, others: Sequence[NodeProto]) -> None:
    """Inserts nodes before a node of the graph."""
    index = list(graph.node).index(node)
    for other in reversed(others):
        graph.node.insert(index, other)


def dependents(graph: GraphProto, value: str) -> list[str]:
    """Returns the names of the nodes that depend on a value."""
    reached, names = {value}, []
    for node in graph.node:  # ONNX keeps nodes in the order in which they run.
        if reached.intersection(node.input):
            reached.update(node.output)
            names.append(node.name)
    return names


def replace_weight(graph: GraphProto, name: str, values: npt.NDArray[np.generic]) -> None:
    """Replaces the values of a weight; shape and type may change."""
    weights_of(graph)[name].CopyFrom(numpy_helper.from_array(values, name))
