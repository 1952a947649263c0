"""How fast an encoder could be on a card: its work over what the card was measured to do.

Work of a layer, per token, with width H, inner width I and T tokens per query:
``2 (4 H^2 + 2 H I)`` operations of the weights, ``4 T H`` of attention.
"""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What hardware was measured to do."""

    how: str
    operations_per_s: float
    """Multiplications and additions of a large matrix product."""
    bytes_per_s: float
    """Read and written, by a copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """The shape of a transformer encoder; the default is that of the shipped artifact."""

    layers: int = 6
    width: int = 384
    inner_width: int = 1536

    def operations(self, batch: int, tokens: int) -> float:
        """Returns the operations of a batch of queries of one length."""
        weights = 4 * self.width**2 + 2 * self.width * self.inner_width
        return batch * tokens * self.layers * (2 * weights + 4 * tokens * self.width)

    def moved_bytes(self, batch: int, tokens: int, item_bytes: int) -> float:
        """Returns the bytes of a batch, if weights are read once and each result is written and read.

        A token has eight results of the width in a layer (three of attention's inputs, its output, two
        sums, two norms) and two of the inner width.
        """
        weights = 4 * self.width**2 + 2 * self.width * self.inner_width
        results = 2 * (8 * self.width + 2 * self.inner_width)
        return self.layers * item_bytes * (weights + batch * tokens * results)

    def most_queries_per_s(self, card: Card, batch: int, tokens: int, item_bytes: int) -> float:
        """Returns the rate that neither products nor memory allow more than."""
        products_s = self.operations(batch, tokens) / card.operations_per_s
        memory_s = self.moved_bytes(batch, tokens, item_bytes) / card.bytes_per_s
        return batch / max(products_s, memory_s)


def measured_card(*, on_gpu: bool, size: int) -> Card:
    """Measures a product of square matrices of a size, and a copy of 16 of them.

    On a GPU by torch in half precision, where that is installed; else by ONNX Runtime in single.
    """
    if on_gpu and importlib.util.find_spec("torch"):
        return _by_torch(size)
    return _by_onnx_runtime("cuda" if on_gpu else "cpu", size)


def _by_torch(size: int) -> Card:
    import torch  # noqa: PLC0415  # need not be installed

    left = torch.randn(size, size, dtype=torch.float16, device="cuda")
    large = torch.empty(16, size, size, dtype=torch.float16, device="cuda")
    copy = torch.empty_like(large)

    def timed(run: Callable[[], object]) -> float:
        run()
        torch.cuda.synchronize()
        started_s = time.perf_counter()
        for _ in range(REPEATS):
            run()
        torch.cuda.synchronize()
        return (time.perf_counter() - started_s) / REPEATS

    return Card(
        how="torch, fp16",
        operations_per_s=2 * size**3 / timed(lambda: left @ left),
        bytes_per_s=2 * large.nbytes / timed(lambda: copy.copy_(large)),
    )


def _by_onnx_runtime(device: str, size: int) -> Card:
    square = np.ones((size, size), dtype=np.float32)
    large = np.ones((16, size, size), dtype=np.float32)
    return Card(
        how="ONNX Runtime, fp32",
        operations_per_s=2 * size**3 / _node_s("MatMul", square, device),
        # Reads its one input and writes as much.
        bytes_per_s=2 * large.nbytes / _node_s("Abs", large, device),
    )


def _node_s(
    operator: str, value: np.ndarray[tuple[int, ...], np.dtype[np.float32]], device: str
) -> float:
    """Returns how long a graph of one node takes on a value that is on the device."""
    import onnxruntime as ort  # noqa: PLC0415  # beside onnx, which need not be installed
    from onnx import TensorProto, helper  # noqa: PLC0415

    shape = value.shape
    inputs = ["x"] * (2 if operator == "MatMul" else 1)
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, ["y"])],
        operator,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])
    session = ort.InferenceSession(
        model.SerializeToString(), providers=[f"{device.upper()}ExecutionProvider"]
    )
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", ort.OrtValue.ortvalue_from_numpy(value, device, 0))
    binding.bind_output("y", device)
    session.run_with_iobinding(binding)
    started_s = time.perf_counter()
    for _ in range(REPEATS):
        session.run_with_iobinding(binding)
    binding.synchronize_outputs()
    return (time.perf_counter() - started_s) / REPEATS
