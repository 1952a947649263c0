"""Files that a graph has ONNX Runtime open, found wherever the graph may name them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer import default_artifact_path
from scorer.runtime.graph_files import GraphError, external_files


def varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def field(number: int, *contents: bytes | str) -> bytes:
    """Returns a field of bytes in protobuf's wire format."""
    content = b"".join(c if isinstance(c, bytes) else c.encode() for c in contents)
    return varint(number << 3 | 2) + varint(len(content)) + content


def number_field(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def entry(key: str, value: str | bytes) -> bytes:
    return field(13, field(1, key), field(2, value))


def tensor(location: str | bytes) -> bytes:
    """Returns a tensor whose values are in another file."""
    values = (entry("location", location), entry("offset", "0"), number_field(14, 1))
    return number_field(1, 3) + field(8, "weights") + b"".join(values)


def with_initializer(content: bytes) -> bytes:
    return number_field(1, 8) + field(7, field(5, content))


def in_node(attribute: bytes) -> bytes:
    return field(7, field(1, field(4, "Constant"), field(5, field(1, "value"), attribute)))


W = tensor("weights.bin")


@pytest.mark.parametrize(
    "graph",
    [
        with_initializer(W),
        field(7, field(15, field(1, W))),
        field(7, field(15, field(2, W))),
        in_node(field(5, W)),
        in_node(field(10, W)),
        in_node(field(22, field(1, W))),
        in_node(field(23, field(2, W))),
        in_node(field(6, field(5, W))),
        in_node(field(11, field(1, field(5, field(6, field(5, W)))))),
        field(25, field(7, field(5, field(5, W)))),
        field(25, field(11, field(5, W))),
        field(20, field(1, field(5, W))),
        field(20, field(2, field(5, W))),
        field(7, b"") + field(7, field(5, W)),  # parts of one graph
        with_initializer(entry("location", "weights.bin")),
    ],
)
def test_a_file_is_found_wherever_a_graph_names_it(graph: bytes) -> None:
    assert external_files(graph) == {"weights.bin"}


@pytest.mark.parametrize(
    "location",
    ["", ".", "..", "../w", "/etc/passwd", "a/b", "a\\b", ".hidden", "w\0", "*/_ORT_MEM_ADDR_/*"],
)
def test_files_elsewhere_are_refused(location: str) -> None:
    with pytest.raises(GraphError, match="which is no file beside it"):
        external_files(with_initializer(tensor(location)))


@pytest.mark.parametrize(
    "graph",
    [
        with_initializer(number_field(14, 1)),
        with_initializer(number_field(14, (1 << 32) + 1)),
        with_initializer(tensor(b"\xff")),
        field(7, field(1, field(4, "EPContext"))),
        b"graph",
        b"\x08",
        b"\x3a\x05a",
        b"\xff" * 11,
        b"\x00\x00",
        b"\x0b\x0c",  # a group, which onnx.proto has not
    ],
)
def test_what_cannot_be_known_is_refused(graph: bytes) -> None:
    with pytest.raises(GraphError):
        external_files(graph)


def test_a_graph_nested_without_end_is_refused() -> None:
    graph = field(5, W)
    for _ in range(200):
        graph = field(1, field(5, field(6, graph)))
    with pytest.raises(GraphError, match="nested too deeply"):
        external_files(field(7, graph))


@given(st.binary())
def test_any_bytes_are_a_graph_or_refused(content: bytes) -> None:
    for graph in (content, with_initializer(content)):
        try:
            external_files(graph)
        except GraphError:
            continue


@pytest.mark.parametrize("name", ["default", "base"])
def test_the_shipped_graphs_open_no_other_file_and_are_read_quickly(name: str) -> None:
    graph = (default_artifact_path().parent / name / "model.onnx").read_bytes()
    started_s = time.process_time()
    assert external_files(graph) == frozenset()
    assert time.process_time() - started_s < 5
