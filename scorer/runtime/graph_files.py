"""Finds the files that an ONNX graph has ONNX Runtime open: bytes of the graph -> names of files.

Reads protobuf's wire format, and of it only the way to the tensors: the library that could read more
belongs to the training stack. What it cannot read, it refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MESSAGES: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {4: "operator", 5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensor",
        23: "sparse tensor",
    },
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry", 14: "data location"},
}
"""The fields of each message that lead to a file, by their numbers in onnx.proto."""
_EXTERNAL = 1
"""`TensorProto.EXTERNAL`."""
_OPENS_FILES = b"EPContext"
"""An operator that holds the compiled form of a graph for one execution provider, or its file."""
_MAX_DEPTH = 100
"""The limit of protobuf's own parsers."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class GraphError(ValueError):
    """Raised for a graph that cannot be read, or whose files cannot be known."""


def external_files(graph: bytes) -> frozenset[str]:
    """Returns the files beside a graph that hold weights of it.

    Raises:
        GraphError: It is no graph, or it opens files elsewhere.
    """
    names = frozenset(_locations("model", memoryview(graph), _MAX_DEPTH))
    for name in sorted(names):
        if not name or name.startswith(".") or not set(name).isdisjoint("/\\\0"):
            raise GraphError(f"keeps weights in {name!r}, which is no file beside it")
    return names


def _locations(message: str, content: memoryview, depth: int) -> Iterator[str]:
    if not depth:
        raise GraphError("is nested too deeply")
    known = _MESSAGES[message]
    is_external, locations = False, []
    for number, value in _fields(content):
        kind = known.get(number)
        if kind == "data location":
            # Values are cut to 32 bits where they are read.
            is_external |= isinstance(value, int) and value & 0xFFFFFFFF == _EXTERNAL
        elif kind is None or isinstance(value, int):
            continue
        elif kind == "operator":
            if bytes(value) == _OPENS_FILES:
                raise GraphError("has a node EPContext, which opens files that have no hash")
        elif kind == "entry":
            locations += _location(value)
        else:
            yield from _locations(kind, value, depth - 1)
    if is_external and not locations:
        raise GraphError("keeps weights in a file without a name")
    yield from locations


def _location(entry: memoryview) -> list[str]:
    """Returns the file of one entry of `external_data`; none if the entry is about something else."""
    texts = {number: bytes(value) for number, value in _fields(entry) if not isinstance(value, int)}
    if texts.get(1) != b"location":
        return []
    try:
        return [texts.get(2, b"").decode()]
    except UnicodeDecodeError as error:
        raise GraphError("keeps weights in a file whose name is not UTF-8") from error


def _fields(content: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yields the number and the value of each field: a number, or the bytes of anything else."""
    position, end = 0, len(content)
    while position < end:
        tag, position = _varint(content, position)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise _not_a_graph()
        if wire == _VARINT:
            value, position = _varint(content, position)
            yield number, value
            continue
        if wire == _BYTES:
            size, position = _varint(content, position)
        elif wire in {_FIXED32, _FIXED64}:
            size = 4 if wire == _FIXED32 else 8
        else:
            raise _not_a_graph()
        if size > end - position:
            raise _not_a_graph()
        yield number, content[position : position + size]
        position += size


def _varint(content: memoryview, position: int) -> tuple[int, int]:
    """Returns a number of variable length, and the position after it."""
    value = 0
    for index, byte in enumerate(content[position : position + 10]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise _not_a_graph()


def _not_a_graph() -> GraphError:
    return GraphError("is not an ONNX graph")
