"""Compares what a client showed and what the server saw with what a case expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from routemoa.errors import ERRORS
from routemoa.v1.model_pb2 import Answer
from routemoa.v1.router_service_pb2 import StreamAnswerResponse
from tests.conformance.messages import METHODS, request_message, response_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.conformance.case import Case, Expectation, Json
    from tests.conformance.server import Record

REQUEST_ID = "request_id"
SHOWN_CHARACTERS = 300


def problems(case: Case, outcome: Json, record: Record, words: Mapping[str, str]) -> Iterator[str]:
    """Yields everything that is not as expected.

    Args:
        case: The case.
        outcome: The driver's line.
        record: What the server saw under the case's request id.
        words: What stands for `$address` and the like in the case.
    """
    responses = [response_message(case.method, item) for item in outcome["responses"]]
    yield from _wrong_responses(case, responses)
    yield from _wrong_error(case.expect.error, outcome.get("error"), words)
    yield from _wrong_answer(case.expect.answer, outcome.get("answer"))
    if case.is_live:
        return
    least, most = case.expect.attempts
    if not least <= len(record.attempts) <= most:
        yield f"the server saw {len(record.attempts)} attempts, not {least} to {most}"
    if METHODS[case.method].client_streaming or least == most == 1:
        yield from _wrong_requests(case, record)
    yield from _wrong_transport(case.expect, record, words)


def _wrong_transport(
    expect: Expectation, record: Record, words: Mapping[str, str]
) -> Iterator[str]:
    for attempt in record.attempts:
        for key, value in expect.metadata.items():
            shown = str(attempt.get(key))
            if not shown.startswith(words.get(value, value)):
                yield f"metadata {key} is {shown!r}"
    if expect.distinct is not None:
        values = [attempt.get(expect.distinct) for attempt in record.attempts]
        if len(set(values)) < len(values):
            yield f"metadata {expect.distinct} is the same in several attempts: {values}"
    if expect.connections is not None:
        least, most = expect.connections
        if not least <= len(record.peers) <= most:
            yield f"the attempts came over {len(record.peers)} connections, not {least} to {most}"
    if expect.remaining_ms is not None:
        low_ms, high_ms = expect.remaining_ms
        left_s = record.remaining_s[0] if record.remaining_s else None
        if left_s is None or not low_ms <= left_s * 1000 <= high_ms:
            yield f"the server saw {left_s} s left, not {low_ms} to {high_ms} ms"


def _wrong_responses(case: Case, shown: Sequence[Message]) -> Iterator[str]:
    if case.expect.filled:
        yield from (f"{path} is empty" for path in case.expect.filled if _is_empty(path, shown))
        yield from _wrong_text(shown)
        return
    expected = [response_message(case.method, item) for item in case.expect.responses]
    if shown != expected:
        yield f"responses are {_short(shown)}, not {_short(expected)}"


def _is_empty(path: str, shown: Sequence[Message]) -> bool:
    value: Any = shown[-1] if shown else None
    for name in path.split("."):
        value = getattr(value, name, None)
    return not (value.ByteSize() if isinstance(value, Message) else value)


def _wrong_text(shown: Sequence[Message]) -> Iterator[str]:
    """Yields a problem if the deltas of an answer are not the text of its full result."""
    text = ""
    for message in shown:
        if not isinstance(message, StreamAnswerResponse):
            return
        match message.WhichOneof("event"):
            case "delta":
                text += message.delta.text
            case "reset":
                text = ""
            case "result" if message.result.layers and message.result.answer.text != text:
                yield f"the deltas say {_short(text)}, the result {_short(message.result)}"


def _wrong_answer(expected: Json | None, shown: Json | None) -> Iterator[str]:
    if expected is None:
        return
    wanted, collected = (ParseDict(item or {}, Answer()) for item in (expected, shown))
    if wanted != collected:
        yield f"the answer is {_short(collected)}, not {_short(wanted)}"


def _wrong_requests(case: Case, record: Record) -> Iterator[str]:
    expected = [request_message(case.method, item) for item in case.requests]
    if case.method == "ListModels" or not record.requests:
        return  # clients choose pages themselves
    if case.call.get("stop_after"):
        expected = expected[: len(record.requests)]
    if record.requests != expected:
        yield f"the server got {_short(record.requests)}, not {_short(expected)}"


def _wrong_error(
    expected: Json | None, shown: Json | None, words: Mapping[str, str]
) -> Iterator[str]:
    if expected is None or shown is None:
        if expected is not shown:
            yield f"error is {_short(shown)}, not {_short(expected)}"
        return
    kind = ERRORS.get(expected["reason"])
    wanted = dict(expected)
    if kind is not None:
        wanted.setdefault("code", kind.code.name)
    wanted.setdefault("retryable", kind is not None and kind.retryable)
    for text in wanted.pop("message_has", ()):
        if words.get(text, text) not in shown["message"]:
            yield f"message lacks {words.get(text, text)!r}: {shown['message']}"
    metadata = wanted.pop("metadata", {})
    if metadata is not None:  # else whatever it is
        wanted["metadata"] = {key: words.get(value, value) for key, value in metadata.items()}
        if REQUEST_ID in shown["metadata"]:  # a service's error names its call
            wanted["metadata"][REQUEST_ID] = words["$request_id"]
    for key, value in wanted.items():
        if shown[key] != value:
            yield f"error's {key} is {_short(shown[key])}, not {_short(value)}"


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
