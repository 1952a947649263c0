"""Events of an answer -> server-sent events, in the contract's own JSON form.

Each holds one event under its name in the contract: `routing`, `layer`, `delta`, `reset`, `resumed` or
`result`. A `layer` also has `agreement`, the groups of answers that agree. A stream that fails ends
with an `error`. Comments keep a quiet connection open.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

from services.gateway.console.answer_groups import answer_groups

if TYPE_CHECKING:
    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.api import ApiError


class EventMessages:
    """Writes the events of one answer."""

    def begin(self) -> bytes:
        """Returns nothing: the first event begins the stream."""
        return b""

    def event(self, event: pb.StreamAnswerResponse) -> bytes:
        """Returns an event; nothing for an event that this gateway does not know."""
        name = event.WhichOneof("event")
        if name is None:
            return b""
        message = getattr(event, name)
        content: dict[str, Any] = {name: MessageToDict(message)}
        if name == "layer":
            content["agreement"] = answer_groups(message.answers)
        return _data(content)

    def keep_alive(self) -> bytes:
        """Returns a comment."""
        return b":\n\n"

    def fail(self, error: ApiError, request_id: str) -> bytes:
        """Returns an error."""
        return _data(error_content(error, request_id))


def error_content(error: ApiError, request_id: str) -> dict[str, Any]:
    """Returns an error as the page reads it."""
    return {
        "error": {
            "kind": error.kind.value,
            "message": error.message,
            "code": error.code,
            "problems": [
                {"field": problem.field, "description": problem.description}
                for problem in error.problems
            ],
            "retryAfterS": error.retry_after_s,
            "retryable": error.retryable,
            "requestId": request_id,
        }
    }


def _data(content: dict[str, Any]) -> bytes:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))  # holds no line breaks
    return b"data: " + text.encode() + b"\n\n"
