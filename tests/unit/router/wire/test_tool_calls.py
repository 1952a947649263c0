"""Calls to tools in whatever form servers send them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.collected import CollectedReply
from services.router.backends.http.replies.tool_calls import (
    MAX_TOOL_CALLS,
    ToolCallError,
    ToolCallReader,
)

NAMES = ("get_weather", "get_time")
ARGUMENTS = '{"city":"Zürich","note":"a \\"quoted\\" word"}'


def read(
    *values: object, whole: bool = False, only_one: bool = False
) -> list[tuple[str, str, str]]:
    """Returns id, name and arguments of each call in the values of a field."""
    reader = ToolCallReader(NAMES, only_one=only_one)
    collected = CollectedReply()
    for value in values:
        for piece in reader.read(value, whole=whole):
            collected.add(piece)
    for piece in reader.finish():
        collected.add(piece)
    return [(call.id, call.name, call.arguments_json) for call in collected.tool_calls]


def fragment(index: int | None, **fields: Any) -> dict[str, Any]:
    function = {name: fields.pop(name) for name in ("name", "arguments") if name in fields}
    where = {} if index is None else {"index": index}
    return {**where, **fields, "function": function}


cuts = st.lists(st.integers(0, len(ARGUMENTS)), max_size=8).map(
    lambda ends: sorted({*ends, 0, len(ARGUMENTS)})
)


@given(cuts, cuts, st.booleans(), st.booleans())
def test_calls_are_the_same_however_their_arguments_are_cut(
    first: list[int], second: list[int], repeats: bool, has_index: bool
) -> None:
    sent = []
    for number, ends in enumerate((first, second)):
        named = {"id": f"call_{number}", "name": NAMES[number]}
        index = number if has_index else None
        pieces = [ARGUMENTS[a:b] for a, b in pairwise(ends)]
        sent.append([fragment(index, **named, arguments="")])
        fields = named if repeats else {}
        sent += [[fragment(index, **fields, arguments=piece)] for piece in pieces]
    assert read(*sent) == [
        ("call_0", "get_weather", ARGUMENTS),
        ("call_1", "get_time", ARGUMENTS),
    ]


def test_fragments_of_parallel_calls_may_alternate() -> None:
    opened = [fragment(n, id=f"call_{n}", name=NAMES[n], arguments="") for n in range(2)]
    ends = [[fragment(n % 2, arguments=part)] for n, part in enumerate(("[", "{", "]", "}"))]
    assert read(opened, *ends) == [("call_0", "get_weather", "[]"), ("call_1", "get_time", "{}")]


def test_every_whole_call_is_a_call_of_its_own_with_an_id_of_its_own() -> None:
    call = fragment(0, id="0", name="get_time", arguments={"zone": "é"})
    found = read([call, call], [call], whole=True)
    assert [(name, arguments) for _, name, arguments in found] == [
        ("get_time", '{"zone": "é"}')
    ] * 3
    assert len({id_ for id_, *_ in found}) == 3


def test_a_whole_call_that_is_repeated_at_its_end_is_one_call() -> None:
    call = fragment(0, id="call_1", name="get_time", arguments={"zone": "x"})
    assert read([call], [call]) == [("call_1", "get_time", '{"zone": "x"}')]


def test_a_call_without_index_and_id_begins_with_a_name() -> None:
    sent = [
        [fragment(None, name="get_time", arguments='{"a"')],
        [fragment(None, arguments=":1}")],
        [fragment(None, name="get_time", arguments="{}")],
    ]
    assert [arguments for _, _, arguments in read(*sent)] == ['{"a":1}', "{}"]


def test_another_name_at_the_same_index_is_another_call() -> None:
    sent = [[fragment(0, name=name, arguments="{}")] for name in NAMES]
    assert [name for _, name, _ in read(*sent)] == list(NAMES)


def test_only_the_first_call_is_kept_where_parallel_ones_are_not_allowed() -> None:
    sent = [fragment(n, id=f"call_{n}", name=NAMES[n], arguments="{}") for n in range(2)]
    assert read(sent, only_one=True) == [("call_0", "get_weather", "{}")]


def test_too_long_ids_are_replaced() -> None:
    ((id_, _, _),) = read([fragment(0, id="x" * 1000, name="get_time", arguments="{}")])
    assert len(id_) == len("call_0a1b2c3d")


def test_there_may_not_be_more_calls_than_a_request_may_hold() -> None:
    sent = [fragment(n, name="get_time", arguments="{}") for n in range(MAX_TOOL_CALLS)]
    assert len(read(sent)) == MAX_TOOL_CALLS
    with pytest.raises(ToolCallError):
        read([*sent, fragment(MAX_TOOL_CALLS, name="get_time")])


@pytest.mark.parametrize("value", ["x", 1, [1], [[]], [fragment(0, name="f", arguments=3)]])
def test_what_is_no_call_is_refused(value: object) -> None:
    with pytest.raises(ToolCallError):
        read(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "index", "function", "name", "arguments"]), inner, max_size=5
        )
    ),
    max_leaves=15,
)


@given(st.lists(json_values, max_size=5), st.booleans())
def test_any_values_are_read_or_refused_and_no_two_calls_have_one_id(
    values: list[object], whole: bool
) -> None:
    try:
        found = read(*values, whole=whole)
    except ToolCallError:
        return
    assert len({id_ for id_, *_ in found}) == len(found)
    assert all(id_ for id_, *_ in found)
    json.dumps(found, ensure_ascii=False).encode()  # no half of a surrogate pair is left
