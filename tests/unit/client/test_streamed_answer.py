"""The answer of a stream is what its deltas said since the last reset."""

from __future__ import annotations

from routemoa.streamed_answer import StreamedAnswer
from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1.model_pb2 import FINISH_REASON_TOOL_CALLS, Answer


def said(*deltas: pb.AnswerDelta) -> Answer:
    streamed = StreamedAnswer()
    for delta in deltas:
        streamed.add(pb.StreamAnswerResponse(delta=delta))
    return streamed.answer


def piece(index: int, text: str, **first: str) -> pb.AnswerDelta:
    call = pb.ToolCallDelta(call_index=index, arguments_json=text, **first)
    return pb.AnswerDelta(tool_calls=[call])


def test_pieces_of_calls_are_put_together_by_their_index() -> None:
    answer = said(
        piece(0, '{"a"', tool_call_id="1", name="one"),
        piece(1, "{}", tool_call_id="2", name="two"),
        piece(0, ": 3}"),
    )
    assert [(c.tool_call_id, c.name, c.arguments_json) for c in answer.tool_calls] == [
        ("1", "one", '{"a": 3}'),
        ("2", "two", "{}"),
    ]


def test_a_reset_voids_what_was_said() -> None:
    streamed = StreamedAnswer()
    streamed.add(pb.StreamAnswerResponse(delta=pb.AnswerDelta(text="wrong", reasoning="r")))
    streamed.add(pb.StreamAnswerResponse(reset=pb.AnswerReset()))
    streamed.add(pb.StreamAnswerResponse(delta=pb.AnswerDelta(text="right")))
    assert (streamed.answer.text, streamed.answer.reasoning) == ("right", "")


def test_the_result_adds_what_was_not_streamed() -> None:
    streamed = StreamedAnswer()
    streamed.add(pb.StreamAnswerResponse(delta=piece(0, "{}", tool_call_id="1", name="one")))
    account = Answer(model_id="a", completion_token_count=7, finish_reason=FINISH_REASON_TOOL_CALLS)
    streamed.add(pb.StreamAnswerResponse(result=pb.GenerateAnswerResponse(answer=account)))
    assert streamed.answer.model_id == "a"
    assert streamed.answer.completion_token_count == 7
    assert len(streamed.answer.tool_calls) == 1


def test_a_full_result_says_nothing_twice() -> None:
    streamed = StreamedAnswer()
    streamed.add(pb.StreamAnswerResponse(delta=piece(0, "{}", tool_call_id="1", name="one")))
    streamed.add(pb.StreamAnswerResponse(result=pb.GenerateAnswerResponse(answer=streamed.answer)))
    assert len(streamed.answer.tool_calls) == 1
