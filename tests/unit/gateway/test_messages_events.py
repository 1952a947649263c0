from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.gateway.api import ApiError, Call, ErrorKind
from services.gateway.messages.messages_api import MessagesApi
from tests.unit.gateway.sse_events import (
    call_delta,
    events_of,
    result_event,
    result_of,
    text_delta,
)

CALL = Call(
    request=pb.StreamAnswerRequest(),
    model="routemoa",
    reply_id="msg_1",
    created_s=100,
    stream=True,
)
USAGE = {
    "input_tokens": 11,
    "cache_creation_input_tokens": 2,
    "cache_read_input_tokens": 4,
    "output_tokens": 8,
    "output_tokens_details": {"thinking_tokens": 1},
}
STOPPED = model_pb2.FINISH_REASON_STOP
TOOL_CALLS = model_pb2.FINISH_REASON_TOOL_CALLS


def stream_of(*events: pb.StreamAnswerResponse) -> list[dict[str, Any]]:
    writer = MessagesApi().writer(CALL)
    pieces = [writer.event(event) for event in events]
    return events_of(writer.begin() + b"".join(pieces))


def reply_to(answer: model_pb2.Answer) -> dict[str, Any]:
    return MessagesApi().reply(CALL, result_of(answer))


def test_a_text_streams_as_every_client_needs_it() -> None:
    events = stream_of(
        pb.StreamAnswerResponse(routing=pb.RoutingDecision(layer_number=1)),
        text_delta("Hel"),
        text_delta("lo"),
        result_event(model_pb2.Answer(finish_reason=STOPPED)),
    )
    begun = events[0]["message"]
    assert begun["content"] == []
    assert begun["stop_reason"] is None
    assert (begun["usage"]["input_tokens"], begun["usage"]["output_tokens"]) == (0, 0)
    end = {"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None}
    assert events[-2].pop("routemoa")["strategy"] == "routemoa"
    assert events[1:] == [
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "Hel"},
        },
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": end, "usage": {**USAGE, "server_tool_use": None}},
        {"type": "message_stop"},
    ]


def test_thinking_text_and_calls_are_blocks_one_after_the_other() -> None:
    events = stream_of(
        pb.StreamAnswerResponse(delta=pb.AnswerDelta(reasoning="hm")),
        text_delta("I look."),
        pb.StreamAnswerResponse(delta=call_delta(0, '{"a":', call_id="c0", name="t")),
        pb.StreamAnswerResponse(delta=call_delta(1, "{}", call_id="c1", name="u")),
        pb.StreamAnswerResponse(delta=call_delta(0, "1}")),
        result_event(model_pb2.Answer(finish_reason=TOOL_CALLS)),
    )
    blocks = [event["content_block"] for event in events if event["type"].endswith("_start")
              and "content_block" in event]  # fmt: skip
    assert blocks == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": ""},
        {"type": "tool_use", "id": "c0", "name": "t", "input": {}},
        {"type": "tool_use", "id": "c1", "name": "u", "input": {}},
    ]
    deltas = [
        (event["index"], event["delta"])
        for event in events
        if event["type"] == "content_block_delta"
    ]
    assert deltas == [
        (0, {"type": "thinking_delta", "thinking": "hm"}),
        (1, {"type": "text_delta", "text": "I look."}),
        (2, {"type": "input_json_delta", "partial_json": '{"a":'}),
        (2, {"type": "input_json_delta", "partial_json": "1}"}),
        (3, {"type": "input_json_delta", "partial_json": "{}"}),
    ]
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


def test_a_whole_message_has_the_same_blocks() -> None:
    call = model_pb2.ToolCall(tool_call_id="c0", name="t", arguments_json='{"a": 1}')
    reply = reply_to(
        model_pb2.Answer(
            reasoning="hm", text="I look.", tool_calls=[call], finish_reason=TOOL_CALLS
        )
    )
    assert reply["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "c0", "name": "t", "input": {"a": 1}},
    ]
    assert reply["stop_reason"] == "tool_use"
    assert {name: reply["usage"][name] for name in USAGE} == USAGE


@pytest.mark.parametrize(
    ("finish_reason", "stop_reason"),
    [
        (STOPPED, "end_turn"),
        (model_pb2.FINISH_REASON_UNSPECIFIED, "end_turn"),
        (model_pb2.FINISH_REASON_LENGTH, "max_tokens"),
        (model_pb2.FINISH_REASON_DEADLINE, "max_tokens"),
        (model_pb2.FINISH_REASON_CONTENT_FILTER, "refusal"),
    ],
)
def test_the_stop_reason_is_this_apis(
    finish_reason: model_pb2.FinishReason.ValueType, stop_reason: str
) -> None:
    reply = reply_to(model_pb2.Answer(text="x", finish_reason=finish_reason))
    assert reply["stop_reason"] == stop_reason


def test_a_refusal_is_text_and_an_explanation() -> None:
    reply = reply_to(model_pb2.Answer(refusal="No.", finish_reason=model_pb2.FINISH_REASON_REFUSAL))
    assert reply["content"] == [{"type": "text", "text": "No."}]
    assert reply["stop_reason"] == "refusal"
    assert reply["stop_details"] == {"type": "refusal", "category": None, "explanation": "No."}


def test_arguments_that_were_cut_off_are_none() -> None:
    call = model_pb2.ToolCall(tool_call_id="c0", name="t", arguments_json='{"a": ')
    reply = reply_to(
        model_pb2.Answer(tool_calls=[call], finish_reason=model_pb2.FINISH_REASON_LENGTH)
    )
    assert reply["content"][0]["input"] == {}
    assert reply["stop_reason"] == "max_tokens"


def test_a_failure_in_mid_stream_is_an_error_event() -> None:
    writer = MessagesApi().writer(CALL)
    error = ApiError(ErrorKind.OVERLOADED, "too many calls")
    assert events_of(writer.fail(error, "r1")) == [
        {
            "type": "error",
            "error": {"type": "overloaded_error", "message": "too many calls"},
            "request_id": "r1",
        }
    ]


def test_deltas_that_are_void_end_the_stream_only_if_some_were_sent() -> None:
    reset = pb.StreamAnswerResponse(reset=pb.AnswerReset())
    writer = MessagesApi().writer(CALL)
    assert writer.event(reset) == b""
    writer.event(text_delta("Hel"))
    with pytest.raises(ApiError) as caught:
        writer.event(reset)
    assert caught.value.kind is ErrorKind.BACKEND


@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_text_survives_events(texts: list[str]) -> None:
    events = stream_of(*map(text_delta, texts), result_event(model_pb2.Answer()))
    deltas = [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(deltas) == "".join(texts)


def test_no_character_breaks_a_line_that_some_client_reads() -> None:
    writer = MessagesApi().writer(CALL)
    sent = writer.event(text_delta("a\u2028b\u2029c\u0085d\r\ne"))
    assert len(sent.decode().splitlines()) == 6  # two events of a name, data and an empty line
    assert events_of(sent)[1]["delta"]["text"] == "a\u2028b\u2029c\u0085d\r\ne"


def test_quiet_streams_are_kept_alive_by_pings() -> None:
    assert events_of(MessagesApi().writer(CALL).keep_alive()) == [{"type": "ping"}]
