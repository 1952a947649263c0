"""Turns an fp32 graph into fp16, except for the nodes that depend on a given value. Needs onnx.

ONNX Runtime's own converter rounds between any two nodes that are to stay fp32. Here those nodes are
one part of the graph, and numbers are rounded only where they enter it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import AttributeProto, TensorProto, helper, numpy_helper
from onnx.shape_inference import infer_shapes

from scorer.export.graph import dependents

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

SMALLEST, LARGEST = 6e-8, 65504.0
"""Smallest and largest magnitude of a float16. A guard of a division must not become zero, nor the mask
of a token infinite, since infinity times zero is not a number."""


def halve(model: ModelProto, *, up_to: str) -> None:
    """Turns a graph into float16, except for the nodes that depend on the value ``up_to``."""
    reals = _reals(model)
    kept = set(dependents(model.graph, up_to))
    others = [node for node in model.graph.node if node.name not in kept]
    inputs = {name for node in others for name in node.input}
    for tensor in model.graph.initializer:
        if tensor.name in inputs:
            _halve_tensor(tensor)
    for node in others:
        if node.op_type != "Constant" or node.output[0] in inputs:
            _halve_attributes(node)
    produced = {
        name for node in others if node.op_type != "Constant" for name in node.output
    } & reals
    _widen(model.graph, kept, produced)
    del model.graph.value_info[:]


def _reals(model: ModelProto) -> set[str]:
    """Returns the names of the values that are real numbers."""
    values = infer_shapes(model).graph.value_info
    return {each.name for each in values if each.type.tensor_type.elem_type == TensorProto.FLOAT}


def _halve_attributes(node: NodeProto) -> None:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.TENSOR:
            _halve_tensor(attribute.t)
        elif (node.op_type, attribute.name, attribute.i) == ("Cast", "to", TensorProto.FLOAT):
            attribute.i = TensorProto.FLOAT16


def _halve_tensor(tensor: TensorProto) -> None:
    if tensor.data_type != TensorProto.FLOAT:
        return
    values = numpy_helper.to_array(tensor)
    magnitudes = np.where(values == 0, 0, np.clip(np.abs(values), SMALLEST, LARGEST))
    half = np.copysign(magnitudes, values).astype(np.float16)
    tensor.CopyFrom(numpy_helper.from_array(half, tensor.name))


def _widen(graph: GraphProto, kept: set[str], produced: set[str]) -> None:
    """Casts to float32 what the ``kept`` nodes read of the values ``produced`` by the others."""
    nodes: list[NodeProto] = []
    widened: set[str] = set()
    for node in graph.node:
        if node.name in kept:
            for index, name in enumerate(node.input):
                if name not in produced:
                    continue
                if name not in widened:
                    widened.add(name)
                    nodes.append(
                        helper.make_node(
                            "Cast", [name], [f"{name}.wide"], f"{name}/Wide", to=TensorProto.FLOAT
                        )
                    )
                node.input[index] = f"{name}.wide"
        nodes.append(node)
    # Copies, since clearing the graph's list clears its nodes.
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
