from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.gateway.api import ApiError, Call, ErrorKind
from services.gateway.responses.responses_api import ResponsesApi
from tests.unit.gateway.sse_events import (
    call_delta,
    events_of,
    result_event,
    result_of,
    text_delta,
)

USAGE = {
    "input_tokens": 17,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "output_tokens": 8,
    "output_tokens_details": {"reasoning_tokens": 1},
    "total_tokens": 25,
}
STOPPED = model_pb2.FINISH_REASON_STOP


def call_of(**body: Any) -> Call:
    return Call(
        request=pb.StreamAnswerRequest(),
        model="routemoa",
        reply_id="resp_1",
        created_s=100,
        stream=True,
        body={"model": "routemoa", "input": "Hi", **body},
    )


def stream_of(*events: pb.StreamAnswerResponse, **body: Any) -> list[dict[str, Any]]:
    """Returns the events, as the core sends them: the first piece is made before the beginning."""
    writer = ResponsesApi().writer(call_of(**body))
    pieces = [writer.event(event) for event in events]
    return events_of(writer.begin() + b"".join(pieces))


def brief(event: dict[str, Any]) -> tuple[object, ...]:
    """Returns what tells an event apart."""
    said = ("output_index", "content_index", "summary_index", "item_id", "delta")
    rest = {name: event[name] for name in said if name in event}
    return (event["type"].removeprefix("response."), *rest.values())


def test_a_text_streams_as_every_client_needs_it() -> None:
    events = stream_of(
        pb.StreamAnswerResponse(routing=pb.RoutingDecision(layer_number=1)),
        text_delta("Hel"),
        text_delta("lo"),
        result_event(model_pb2.Answer(finish_reason=STOPPED)),
    )
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [brief(event) for event in events] == [
        ("created",),
        ("in_progress",),
        ("output_item.added", 0),
        ("content_part.added", 0, 0, "msg_1_0"),
        ("output_text.delta", 0, 0, "msg_1_0", "Hel"),
        ("output_text.delta", 0, 0, "msg_1_0", "lo"),
        ("output_text.done", 0, 0, "msg_1_0"),
        ("content_part.done", 0, 0, "msg_1_0"),
        ("output_item.done", 0),
        ("completed",),
    ]
    assert events[0]["response"]["output"] == []
    assert events[0]["response"]["status"] == "in_progress"
    assert events[2]["item"] == {
        "id": "msg_1_0",
        "type": "message",
        "status": "in_progress",
        "role": "assistant",
        "content": [],
    }
    part = {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
    assert events[3]["part"] == {**part, "text": ""}
    assert events[6]["text"] == "Hello"
    assert events[7]["part"] == part
    whole = {**events[2]["item"], "status": "completed", "content": [part]}
    assert events[8]["item"] == whole
    assert events[9]["response"]["output"] == [whole]
    assert events[9]["response"]["usage"] == USAGE
    assert events[9]["response"]["status"] == "completed"


def test_calls_stream_after_text_and_reasoning() -> None:
    calls = [
        pb.StreamAnswerResponse(delta=call_delta(0, '{"a"', call_id="c0", name="t")),
        pb.StreamAnswerResponse(delta=call_delta(0, ":1}")),
        pb.StreamAnswerResponse(delta=call_delta(1, "{}", call_id="c1", name="u")),
    ]
    events = stream_of(
        pb.StreamAnswerResponse(delta=pb.AnswerDelta(reasoning="hm")),
        text_delta("I look."),
        *calls,
        result_event(model_pb2.Answer(finish_reason=model_pb2.FINISH_REASON_TOOL_CALLS)),
    )
    assert [brief(event) for event in events[2:7]] == [
        ("output_item.added", 0),
        ("reasoning_summary_part.added", 0, 0, "rs_1_0"),
        ("reasoning_summary_text.delta", 0, 0, "rs_1_0", "hm"),
        ("reasoning_summary_text.done", 0, 0, "rs_1_0"),
        ("reasoning_summary_part.done", 0, 0, "rs_1_0"),
    ]
    assert [brief(event) for event in events[14:]] == [
        ("output_item.added", 2),
        ("function_call_arguments.delta", 2, "fc_1_2", '{"a"'),
        ("function_call_arguments.delta", 2, "fc_1_2", ":1}"),
        ("function_call_arguments.done", 2, "fc_1_2"),
        ("output_item.done", 2),
        ("output_item.added", 3),
        ("function_call_arguments.delta", 3, "fc_1_3", "{}"),
        ("function_call_arguments.done", 3, "fc_1_3"),
        ("output_item.done", 3),
        ("completed",),
    ]
    call = {
        "id": "fc_1_2",
        "type": "function_call",
        "status": "completed",
        "arguments": '{"a":1}',
        "call_id": "c0",
        "name": "t",
    }
    assert events[14]["item"] == {**call, "status": "in_progress", "arguments": ""}
    assert events[18]["item"] == call
    output = events[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", *["function_call"] * 2]
    assert output[2] == call


def test_a_refusal_is_a_part_of_its_own() -> None:
    events = stream_of(
        pb.StreamAnswerResponse(delta=pb.AnswerDelta(refusal="No.")),
        result_event(model_pb2.Answer(finish_reason=model_pb2.FINISH_REASON_REFUSAL)),
    )
    assert [event["type"] for event in events if "refusal" in event["type"]] == [
        "response.refusal.delta",
        "response.refusal.done",
    ]
    (item,) = events[-1]["response"]["output"]
    assert item["content"] == [{"type": "refusal", "refusal": "No."}]


@pytest.mark.parametrize(
    ("finish_reason", "reason"),
    [
        (model_pb2.FINISH_REASON_LENGTH, "max_output_tokens"),
        (model_pb2.FINISH_REASON_DEADLINE, "max_output_tokens"),
        (model_pb2.FINISH_REASON_CONTENT_FILTER, "content_filter"),
    ],
)
def test_an_answer_that_was_cut_off_is_incomplete(
    finish_reason: model_pb2.FinishReason.ValueType, reason: str
) -> None:
    answer = model_pb2.Answer(text="Hel", finish_reason=finish_reason)
    last = stream_of(text_delta("Hel"), result_event(answer))[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": reason}
    assert last["response"]["output"][0]["status"] == "incomplete"
    assert ResponsesApi().reply(call_of(), result_of(answer)) == last["response"]


def test_log_probabilities_come_with_the_text() -> None:
    token = model_pb2.TokenLogProbability(token="é", log_probability=-0.5)
    token.alternatives.add(token="e", log_probability=-1.0)
    delta = pb.AnswerDelta(text="é", log_probabilities=[token])
    events = stream_of(pb.StreamAnswerResponse(delta=delta), result_event(model_pb2.Answer()))
    expected = [
        {
            "token": "é",
            "bytes": [195, 169],
            "logprob": -0.5,
            "top_logprobs": [{"token": "e", "bytes": [101], "logprob": -1.0}],
        }
    ]
    assert events[4]["logprobs"] == expected
    assert events[-1]["response"]["output"][0]["content"][0]["logprobs"] == expected


def test_a_reply_repeats_the_request() -> None:
    tool = {"type": "function", "name": "t"}
    text = {"format": {"type": "json_object"}}
    reply = ResponsesApi().reply(
        call_of(tools=[tool], text=text, temperature=0, metadata={"a": "b"}, store=True),
        result_of(model_pb2.Answer(text="{}", finish_reason=STOPPED)),
    )
    assert reply["id"] == "resp_1"
    assert reply["store"] is False
    assert reply["temperature"] == 0
    assert reply["metadata"] == {"a": "b"}
    assert reply["text"]["format"] == {"type": "json_object"}
    assert reply["tools"] == [{**tool, "parameters": None, "strict": False}]
    assert reply["usage"] == USAGE


def test_a_failure_in_mid_stream_ends_with_an_error_and_a_failed_response() -> None:
    writer = ResponsesApi().writer(call_of())
    sent = writer.event(text_delta("Hel"))
    error = ApiError(ErrorKind.BACKEND, "no model answered", code="ERROR_REASON_ALL_MODELS_FAILED")
    events = events_of(writer.begin() + sent + writer.fail(error, "r1"))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    assert events[-2]["message"] == events[-2]["error"]["message"] == "no model answered"
    response = events[-1]["response"]
    assert response["status"] == "failed"
    assert response["error"] == {"code": "server_error", "message": "no model answered"}
    assert response["output"][0]["content"][0]["text"] == "Hel"


def test_deltas_that_are_void_end_the_stream_only_if_some_were_sent() -> None:
    reset = pb.StreamAnswerResponse(reset=pb.AnswerReset())
    writer = ResponsesApi().writer(call_of())
    assert writer.event(reset) == b""
    writer.event(text_delta("Hel"))
    with pytest.raises(ApiError) as caught:
        writer.event(reset)
    assert caught.value.kind is ErrorKind.BACKEND


@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_text_survives_events(texts: list[str]) -> None:
    events = stream_of(*map(text_delta, texts), result_event(model_pb2.Answer()))
    deltas = [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
    assert "".join(deltas) == "".join(texts)
    output = events[-1]["response"]["output"]
    assert "".join(item["content"][0]["text"] for item in output) == "".join(texts)


def test_quiet_streams_are_kept_alive_by_comments() -> None:
    assert ResponsesApi().writer(call_of()).keep_alive() == b": keep-alive\n\n"
