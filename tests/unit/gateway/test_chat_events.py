from __future__ import annotations

import json
from typing import Any

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.gateway.api import Call
from services.gateway.chat.chat_events import ChatWriter
from tests.unit.gateway.sse_events import result_of

PARIS, ROME = '{"city": "Paris"}', '{"city": "Rome"}'


def deltas_of(*events: pb.StreamAnswerResponse) -> list[dict[str, Any]]:
    """Returns what each chunk adds to the answer."""
    request = pb.StreamAnswerRequest()
    call = Call(request=request, model="m", reply_id="c", created_s=1, stream=True)
    writer = ChatWriter(call)
    data = b"".join(writer.event(event) for event in events).decode()
    chunks = [line.removeprefix("data: ") for line in data.split("\n\n") if line]
    return [json.loads(c)["choices"][0]["delta"] for c in chunks if c != "[DONE]"]


def call_of(index: int, arguments: str) -> dict[str, Any]:
    function = {"arguments": arguments, "name": "weather"}
    return {"index": index, "function": function, "id": f"call_{index}", "type": "function"}


def test_every_chunk_has_one_call_as_clients_read_only_the_first() -> None:
    pieces = [
        pb.ToolCallDelta(
            call_index=index, tool_call_id=f"call_{index}", name="weather", arguments_json=text
        )
        for index, text in enumerate((PARIS, ROME))
    ]
    delta = pb.AnswerDelta(text="I look.", tool_calls=pieces)
    assert deltas_of(pb.StreamAnswerResponse(delta=delta)) == [
        {"content": "I look."},
        {"tool_calls": [call_of(0, PARIS)]},
        {"tool_calls": [call_of(1, ROME)]},
    ]


def test_calls_that_come_with_the_result_alone_are_sent_one_by_one() -> None:
    calls = [
        model_pb2.ToolCall(tool_call_id=f"call_{index}", name="weather", arguments_json=text)
        for index, text in enumerate((PARIS, ROME))
    ]
    answer = model_pb2.Answer(tool_calls=calls, finish_reason=model_pb2.FINISH_REASON_TOOL_CALLS)
    assert deltas_of(pb.StreamAnswerResponse(result=result_of(answer))) == [
        {"tool_calls": [call_of(0, PARIS)]},
        {"tool_calls": [call_of(1, ROME)]},
        {},
    ]
