"""Tokens of media, tools and calls to tools, and the limit of the reply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.router.backends.call import ModelCall
from services.router.engine.planner import eligible, rank_eligible, worst_case
from services.router.prompts.context_window import INSTRUCTION_TOKENS, fits, room_tokens
from services.router.types.conversation import Conversation, prompt_tokens
from services.router.types.ledger import CallPurpose
from services.router.types.messages import (
    IMAGE_TOKENS,
    SMALL_IMAGE_TOKENS,
    Media,
    MediaKind,
    Message,
    Role,
    ToolCall,
)
from services.router.types.options import GenerationOptions, JsonFormat, Tool
from services.router.types.tokens import TEMPLATE_TOKENS, estimate_tokens
from tests.unit.router.runs import ASKED, pool_model, run_of

SCHEMA = json.dumps({"type": "object", "properties": {"of": {"type": "string"}}})
TOOL = Tool(name="legs", description="Counts the legs of an animal.", parameters_json=SCHEMA)


def asked(**fields: Any) -> Conversation:
    return Conversation(messages=ASKED.messages, options=GenerationOptions(**fields))


def medium(kind: MediaKind, **fields: Any) -> Media:
    return Media(kind=kind, **fields)


@pytest.mark.parametrize(
    ("media", "tokens"),
    [
        (medium(MediaKind.IMAGE, url="https://example.com/a"), IMAGE_TOKENS),
        (medium(MediaKind.IMAGE, data=b"x", detail="high"), IMAGE_TOKENS),
        (medium(MediaKind.IMAGE, data=bytes(10**6), detail="low"), SMALL_IMAGE_TOKENS),
        (medium(MediaKind.AUDIO, data=bytes(100_001), media_type="audio/mpeg"), 1_001),
        (medium(MediaKind.AUDIO, data=bytes(100_001), media_type="audio/wav"), 101),
        (medium(MediaKind.AUDIO, url="https://example.com/a"), 10_000),
        (medium(MediaKind.FILE, data=bytes(3_001)), 1_001),
        (medium(MediaKind.FILE, url="https://example.com/a"), 10_000),
    ],
)
def test_media_have_a_safe_estimate(media: Media, tokens: int) -> None:
    assert media.tokens == tokens


def test_a_prompt_counts_its_media_calls_and_results() -> None:
    image = medium(MediaKind.IMAGE, url="https://example.com/a")
    seen = Message(role=Role.USER, content="Legs?", parts=(image, "Legs?"))
    call = ToolCall(id="1", name="legs", arguments_json='{"of": "ant"}')
    called = Message(role=Role.ASSISTANT, tool_calls=(call,))
    result = Message(role=Role.TOOL, content="It has six legs.", tool_call_id="1")
    plain = Message(role=Role.USER, content="Legs?")
    empty = Message(role=Role.ASSISTANT)
    assert prompt_tokens([seen]) == prompt_tokens([plain]) + IMAGE_TOKENS
    more = prompt_tokens([called]) - prompt_tokens([empty])
    assert more >= estimate_tokens('legs {"of": "ant"}')
    assert prompt_tokens([result]) >= estimate_tokens("It has six legs.")


def test_tools_and_the_schema_of_the_answer_are_part_of_the_prompt() -> None:
    plain = asked().tokens
    with_tool = asked(tools=(TOOL,)).tokens
    assert with_tool - plain >= estimate_tokens(SCHEMA) + estimate_tokens(TOOL.description)
    assert asked(tools=(TOOL,) * 2).tokens - plain == 2 * (with_tool - plain)
    form = JsonFormat(schema_json=SCHEMA, name="legs")
    assert asked(json_format=form).tokens - plain >= estimate_tokens(SCHEMA)
    assert asked(tools=(TOOL,)).most_tokens > asked().most_tokens
    assert asked(tools=(TOOL,)).count_tokens(len) > asked().count_tokens(len)


def test_a_large_tool_or_image_leaves_out_models_with_small_windows() -> None:
    large = Tool(name="legs", description="legs " * 4_000)
    able = {"capabilities": ["tools", "images"]}
    small = pool_model("a", context_window_tokens=4_000, **able)
    wide = pool_model("b", context_window_tokens=32_000, **able)
    run = run_of({"a": 0.5, "b": 0.5}, small, wide, conversation=asked(tools=(large,)))
    assert [model.id for model in eligible(run)] == ["b"]
    images = tuple(medium(MediaKind.IMAGE, url=f"https://example.com/{n}") for n in range(3))
    seen = Conversation(messages=(Message(role=Role.USER, parts=images),))
    assert not fits(small, seen)
    assert fits(wide, seen)


def test_a_tool_makes_a_call_dearer() -> None:
    able = pool_model("a", capabilities=["tools"])
    plain, with_tool = (
        rank_eligible(run_of({"a": 0.5}, able, conversation=conversation))[0].candidate
        for conversation in (asked(), asked(tools=(TOOL,)))
    )
    more = asked(tools=(TOOL,)).tokens - asked().tokens
    assert with_tool.worst.tokens == plain.worst.tokens + more
    assert with_tool.expected_cost_usd == pytest.approx(plain.expected_cost_usd + more / 1e6)


def test_the_requests_limit_of_the_reply_counts_wherever_a_reply_does() -> None:
    model = pool_model("a")  # its own limit is 1,000, and 400 tokens are expected
    short, long = asked(max_output_tokens=10), asked(max_output_tokens=5_000)
    assert room_tokens(model, short) == room_tokens(model, asked()) + 990
    assert room_tokens(model, long) == room_tokens(model, asked())
    run = run_of({"a": 0.5}, conversation=short)
    candidate = rank_eligible(run)[0].candidate
    assert candidate.expected_completion_tokens == 10
    assert candidate.worst.tokens == short.tokens + INSTRUCTION_TOKENS + 10
    assert worst_case(run, run.pool.by_id["a"]) == candidate.worst
    assert rank_eligible(run_of({"a": 0.5}, conversation=long))[0].candidate.worst.tokens == (
        long.tokens + INSTRUCTION_TOKENS + 1_000
    )


def test_a_call_reserves_its_tools_and_the_requests_limit() -> None:
    options = GenerationOptions(max_output_tokens=10, tools=(TOOL,))
    call = ModelCall(
        model=pool_model("a"),
        messages=ASKED.messages,
        purpose=CallPurpose.ANSWER,
        layer_number=1,
        options=options,
    )
    read = prompt_tokens(ASKED.messages, options=options)
    assert call.worst.tokens == read + TEMPLATE_TOKENS + 10
