"""Runs a graph with few shapes and buffers that stay where they are, so that a GPU can replay it.

A CUDA graph repeats recorded kernels on recorded addresses: one for each shape. So each side of a batch
is rounded up to a power of two, and each shape has buffers of its own. It saves the launches, which are
most of the time of a small batch on a large GPU.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Feeds = Mapping[str, npt.NDArray[np.int64]]

OPTIONS = ("enable_cuda_graph", "trt_cuda_graph_enable")
"""Provider options that ask for CUDA graphs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recording:
    """The buffers of one shape, and how to run with them."""

    binding: ort.IOBinding
    inputs: dict[str, ort.OrtValue]
    options: ort.RunOptions


class RecordedGraph:
    """A session whose shapes are few; safe to call from several threads, which take turns.

    Args:
        session: The session.
        device: Where its buffers are: cuda, or cpu.
    """

    def __init__(self, session: ort.InferenceSession, device: str) -> None:
        self._session = session
        self._device = device
        self._output_shapes = {output.name: output.shape for output in session.get_outputs()}
        self._recordings: dict[tuple[object, ...], _Recording] = {}
        self._turn = threading.Lock()

    def run(self, names: Sequence[str], feeds: Feeds) -> list[npt.NDArray[Any]]:
        """Returns outputs for inputs, (B, ...) each; the rows after the B-th are of no meaning."""
        rounded = {name: _rounded(value) for name, value in feeds.items()}
        shapes = tuple(value.shape for value in rounded.values())
        with self._turn:
            recording = self._recordings.get((*names, *shapes))
            if recording is None:
                recording = self._recordings[(*names, *shapes)] = self._record(names, rounded)
            for name, value in rounded.items():
                recording.inputs[name].update_inplace(value)
            self._session.run_with_iobinding(recording.binding, recording.options)
            # The next run writes to the same buffers.
            return [np.array(each) for each in recording.binding.copy_outputs_to_cpu()]

    def _record(self, names: Sequence[str], feeds: Feeds) -> _Recording:
        binding = self._session.io_binding()
        inputs = {
            name: ort.OrtValue.ortvalue_from_numpy(value, self._device, 0)
            for name, value in feeds.items()
        }
        for name, buffer in inputs.items():
            binding.bind_ortvalue_input(name, buffer)
        rows = len(next(iter(feeds.values())))
        for name in names:
            shape = [size if isinstance(size, int) else rows for size in self._output_shapes[name]]
            buffer = ort.OrtValue.ortvalue_from_shape_and_type(shape, np.float32, self._device, 0)
            binding.bind_ortvalue_output(name, buffer)
        options = ort.RunOptions()
        # The number of the CUDA graph; zero is the one that a session has without numbers.
        options.add_run_config_entry("gpu_graph_id", str(len(self._recordings) + 1))
        return _Recording(binding=binding, inputs=inputs, options=options)


def _rounded(value: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Fills up to powers of two: columns with padding, which is zero, and rows with the first row."""
    rows, columns = value.shape
    whole = np.zeros((_power(rows), _power(columns)), dtype=value.dtype)
    whole[:rows, :columns] = value
    whole[rows:] = whole[0]
    return whole


def _power(size: int) -> int:
    return 1 << (size - 1).bit_length()
