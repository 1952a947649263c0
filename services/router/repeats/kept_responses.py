"""The responses of a call as bytes: kept, and read again."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import DecodeError

from routemoa.v1 import router_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.message import Message

    from services.router.repeats.request_identity import RequestIdentity

ResponseT = TypeVar("ResponseT", bound="Message")
MAX_BYTES = 1024 * 1024
"""Largest result that is kept; an answer and its layers are some ten times less."""
_LENGTH = struct.Struct(">I")
_FINGERPRINT_BYTES = 16


def is_result(response: Message) -> bool:
    """Returns whether a response is the last one of its call."""
    return _event(response) in {None, "result"}


def shortened(responses: Iterable[ResponseT]) -> list[ResponseT]:
    """Returns the responses of a stream without deltas that are void, and joins those that remain."""
    kept: list[Any] = []
    for response in responses:
        event = _event(response)
        if event == "reset":
            kept = [earlier for earlier in kept if _event(earlier) != "delta"]
        elif event != "resumed":
            kept.append(response)
    joined: list[Any] = []
    run: list[Any] = []
    for response in kept:
        if _event(response) != "delta":
            continue
        if run and _fields(run[-1]) != _fields(response):
            joined.append(_joined(run))
            run = []
        run.append(response)
    if run:
        joined.append(_joined(run))
    first = next((n for n, response in enumerate(kept) if _event(response) == "delta"), len(kept))
    rest = [response for response in kept[first:] if _event(response) != "delta"]
    return [*kept[:first], *joined, *rest]


def encode(identity: RequestIdentity, responses: Sequence[Message]) -> bytes | None:
    """Returns the responses as bytes; None if they are too many to keep."""
    parts = [identity.fingerprint]
    for response in responses:
        data = response.SerializeToString()
        parts += [_LENGTH.pack(len(data)), data]
    whole = b"".join(parts)
    return whole if len(whole) <= MAX_BYTES else None


def fingerprint_of(data: bytes) -> bytes:
    """Returns the fingerprint of the request whose responses the bytes hold."""
    return data[:_FINGERPRINT_BYTES]


def decode(data: bytes, kind: type[ResponseT]) -> list[ResponseT]:
    """Returns the responses that bytes hold; none if the bytes are not whole."""
    responses, at = [], _FINGERPRINT_BYTES
    try:
        while at < len(data):
            (length,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size + length
            responses.append(kind.FromString(data[at - length : at]))
    except (struct.error, DecodeError):
        return []
    return responses if at == len(data) else []


def _event(response: Any) -> str | None:
    if not isinstance(response, pb.StreamAnswerResponse):
        return None
    return response.WhichOneof("event")


def _fields(response: pb.StreamAnswerResponse) -> list[str]:
    return [field.name for field, _ in response.delta.ListFields()]


def _joined(responses: Sequence[pb.StreamAnswerResponse]) -> pb.StreamAnswerResponse:
    """Returns deltas of the same fields as one: texts are joined, lists appended."""
    texts: dict[str, list[str]] = {}
    whole = pb.StreamAnswerResponse()
    whole.delta.SetInParent()
    for response in responses:
        for field, value in response.delta.ListFields():
            if isinstance(value, str):
                texts.setdefault(field.name, []).append(value)
            else:
                getattr(whole.delta, field.name).extend(value)
    for name, parts in texts.items():
        setattr(whole.delta, name, "".join(parts))
    return whole
