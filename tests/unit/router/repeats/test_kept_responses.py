"""A stream is kept without what it made void, and its deltas are joined."""

from __future__ import annotations

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.router.repeats.kept_responses import decode, encode, fingerprint_of, shortened
from services.router.repeats.request_identity import RequestIdentity

IDENTITY = RequestIdentity(key="k", fingerprint=b"f" * 16)
LAYER = pb.StreamAnswerResponse(layer=pb.LayerReport(layer_number=1))
RESULT = pb.StreamAnswerResponse(result=pb.GenerateAnswerResponse(decision_id="d"))
RESET = pb.StreamAnswerResponse(reset=pb.AnswerReset())
RESUMED = pb.StreamAnswerResponse(resumed=pb.AnswerResumed(model_id="a"))


def delta(**fields: object) -> pb.StreamAnswerResponse:
    return pb.StreamAnswerResponse(delta=pb.AnswerDelta(**fields))  # type: ignore[arg-type]


def test_deltas_are_joined_where_the_first_one_stands() -> None:
    stream = [delta(text="a"), delta(text="b"), LAYER, delta(text="c"), RESULT]
    assert shortened(stream) == [delta(text="abc"), LAYER, RESULT]


def test_void_deltas_and_resumptions_leave_no_trace() -> None:
    stream = [delta(text="a"), RESET, delta(text="b"), RESUMED, delta(text="c"), RESULT]
    assert shortened(stream) == [delta(text="bc"), RESULT]
    assert shortened([delta(text="a"), RESET, RESULT]) == [RESULT]


def test_reasoning_text_and_calls_to_tools_stay_in_their_order() -> None:
    call = pb.ToolCallDelta(call_index=0, tool_call_id="c", name="weather")
    rest = pb.ToolCallDelta(call_index=0, arguments_json="{}")
    stream = [
        delta(reasoning="I "),
        delta(reasoning="see."),
        delta(text="Let me look."),
        delta(tool_calls=[call]),
        delta(tool_calls=[rest]),
        RESULT,
    ]
    assert shortened(stream) == [
        delta(reasoning="I see."),
        delta(text="Let me look."),
        delta(tool_calls=[call, rest]),
        RESULT,
    ]


def test_log_probabilities_stay_beside_their_text() -> None:
    tokens = [model_pb2.TokenLogProbability(token=token) for token in "ab"]
    stream = [delta(text=t.token, log_probabilities=[t]) for t in tokens]
    assert shortened(stream) == [delta(text="ab", log_probabilities=tokens)]


def test_a_result_without_a_stream_stays_as_it_is() -> None:
    whole = pb.GenerateAnswerResponse(decision_id="d")
    assert shortened([whole]) == [whole]


def test_responses_are_read_as_they_were_kept() -> None:
    stream = [LAYER, delta(text="a"), RESULT]
    data = encode(IDENTITY, stream)
    assert data is not None
    assert fingerprint_of(data) == IDENTITY.fingerprint
    assert decode(data, pb.StreamAnswerResponse) == stream
    assert decode(data[:-1], pb.StreamAnswerResponse) == []
    assert decode(data + b"\0", pb.StreamAnswerResponse) == []
    assert decode(data[:16], pb.StreamAnswerResponse) == []
