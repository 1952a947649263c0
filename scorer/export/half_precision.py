"""fp32 graph -> fp16 graph, but for what depends on a given value. Needs onnx.

ONNX Runtime's own converter rounds between any two nodes that it was told to leave alone; here the part
that stays is one piece, and numbers are rounded where they leave the other part, and nowhere else.
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
"""Magnitudes that float16 can hold; what guards a division must not become zero, nor what masks a token
infinite, since infinity times zero is no number."""


def halve(model: ModelProto, *, up_to: str) -> None:
    """Turns a graph into float16, but for the nodes that the value ``up_to`` has an influence on."""
    reals = _reals(model)
    kept = set(dependents(model.graph, up_to))
    others = [node for node in model.graph.node if node.name not in kept]
    ours = {name for node in others for name in node.input}
    for tensor in model.graph.initializer:
        if tensor.name in ours:
            _halve_tensor(tensor)
    for node in others:
        if node.op_type != "Constant" or node.output[0] in ours:
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
    """Has the nodes that stay read float32 of what the others produced."""
    nodes: list[NodeProto] = []
    widened: set[str] = set()
    for node in graph.node:
        if node.name in kept:
            for place, name in enumerate(node.input):
                if name not in produced:
                    continue
                if name not in widened:
                    widened.add(name)
                    nodes.append(
                        helper.make_node(
                            "Cast", [name], [f"{name}.wide"], f"{name}/Wide", to=TensorProto.FLOAT
                        )
                    )
                node.input[place] = f"{name}.wide"
        nodes.append(node)
    # A copy, as clearing the graph's list would clear its nodes.
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
