from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.gateway.replies.answer_blocks import (
    AnswerBlocks,
    Append,
    Begin,
    Block,
    BlockKind,
    End,
    answer_blocks,
)
from tests.unit.gateway.sse_events import call_delta

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.gateway.replies.answer_blocks import Step

PIECES = st.one_of(
    st.builds(lambda text: pb.AnswerDelta(text=text), st.text(max_size=5)),
    st.builds(lambda text: pb.AnswerDelta(reasoning=text), st.text(max_size=5)),
    st.builds(lambda text: pb.AnswerDelta(refusal=text), st.text(max_size=5)),
)


def streamed(deltas: Iterable[pb.AnswerDelta], answer: model_pb2.Answer) -> list[Block]:
    """Returns the blocks as a client puts them together; they may not overlap."""
    blocks = AnswerBlocks()
    steps: list[Step] = []
    for delta in deltas:
        steps += blocks.add(delta)
    steps += blocks.finish(answer)
    found: list[Block] = []
    is_open = False
    for step in steps:
        if isinstance(step, Begin):
            assert not is_open
            is_open = True
            block = step.block
            found.append(
                Block(kind=block.kind, number=len(found), call_id=block.call_id, name=block.name)
            )
        assert is_open
        assert step.block.number == len(found) - 1
        if isinstance(step, Append):
            found[-1].text += step.text
        is_open = not isinstance(step, End)
    assert not is_open
    assert [block.text for block in found] == [block.text for block in blocks.blocks]
    return found


def texts(blocks: Iterable[Block], kind: BlockKind) -> str:
    return "".join(block.text for block in blocks if block.kind is kind)


@given(st.lists(PIECES, max_size=12))
def test_text_reasoning_and_refusal_survive_any_chunks(deltas: list[pb.AnswerDelta]) -> None:
    blocks = streamed(deltas, model_pb2.Answer())
    assert texts(blocks, BlockKind.TEXT) == "".join(delta.text for delta in deltas)
    assert texts(blocks, BlockKind.REASONING) == "".join(delta.reasoning for delta in deltas)
    assert texts(blocks, BlockKind.REFUSAL) == "".join(delta.refusal for delta in deltas)


@given(st.integers(0, 2**32))
def test_calls_survive_any_chunks_that_alternate_in_any_way(seed: int) -> None:
    draw = random.Random(seed)
    arguments = [f'{{"n": {number}, "s": "}}"}}' for number in range(3)] + [""]
    left = dict(enumerate(arguments))
    begun: set[int] = set()
    deltas = []
    while left:
        index = draw.choice(sorted(left))
        size = draw.randint(0, 6)
        piece, left[index] = left[index][:size], left[index][size:]
        first = index not in begun
        begun.add(index)
        deltas.append(
            call_delta(
                index,
                piece,
                call_id=f"call_{index}" if first else "",
                name=f"tool_{index}" if first else "",
            )
        )
        if draw.random() < 0.3:
            deltas.append(pb.AnswerDelta(text="t"))
        if not left[index]:
            del left[index]
    blocks = streamed(deltas, model_pb2.Answer())
    calls = {b.call_id: (b.name, b.text) for b in blocks if b.kind is BlockKind.TOOL_CALL}
    assert calls == {
        f"call_{index}": (f"tool_{index}", text) for index, text in enumerate(arguments)
    }
    assert len([b for b in blocks if b.kind is BlockKind.TOOL_CALL]) == len(arguments)
    assert texts(blocks, BlockKind.TEXT) == "t" * sum(1 for delta in deltas if delta.text)


def test_a_call_goes_on_as_it_comes_and_ends_when_the_next_one_begins() -> None:
    blocks = AnswerBlocks()
    assert [type(step) for step in blocks.add(call_delta(0, '{"a"', call_id="c0", name="t"))] == [
        Begin,
        Append,
    ]
    assert [type(step) for step in blocks.add(call_delta(0, ":1}"))] == [Append]
    assert [type(step) for step in blocks.add(call_delta(1, "{}", call_id="c1", name="t"))] == [
        End,
        Begin,
        Append,
    ]


def test_what_no_delta_held_comes_with_the_result() -> None:
    answer = model_pb2.Answer(
        text="Hello",
        tool_calls=[model_pb2.ToolCall(tool_call_id="c0", name="t", arguments_json="{}")],
    )
    whole = streamed([], answer)
    assert [(block.kind, block.text) for block in whole] == [
        (BlockKind.TEXT, "Hello"),
        (BlockKind.TOOL_CALL, "{}"),
    ]
    assert [block.text for block in streamed([pb.AnswerDelta(text="Hello")], answer)] == [
        "Hello",
        "{}",
    ]
    assert [(block.kind, block.text) for block in answer_blocks(answer)] == [
        (block.kind, block.text) for block in whole
    ]
