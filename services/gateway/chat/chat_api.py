"""`POST /v1/chat/completions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.gateway.chat.chat_errors import error_body
from services.gateway.chat.chat_events import ChatWriter
from services.gateway.chat.chat_reply import completion
from services.gateway.chat.chat_request import read_chat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.api import ApiError, Call


class ChatCompletions:
    """OpenAI's chat completions; an `Api`."""

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Call:
        """Returns the call in a request."""
        return read_chat(body, headers)

    def reply(self, call: Call, result: pb.GenerateAnswerResponse) -> dict[str, Any]:
        """Returns the body of a reply that is not streamed."""
        return completion(call, result)

    def writer(self, call: Call) -> ChatWriter:
        """Returns the writer of a streamed reply."""
        return ChatWriter(call)

    def error(self, error: ApiError, request_id: str) -> tuple[int, dict[str, Any]]:
        """Returns the HTTP status and the body of an error."""
        return error_body(error, request_id)
