"""The API behind the page: a `StreamAnswerRequest` as JSON -> events as JSON."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from routemoa.v1 import router_service_pb2 as pb
from services.gateway.api import ApiError, Call, ErrorKind, Problem
from services.gateway.console.event_messages import EventMessages, error_content
from services.gateway.models import MIXTURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.gateway.api import EventWriter

STATUSES = {
    ErrorKind.INVALID_REQUEST: 400,
    ErrorKind.AUTHENTICATION: 401,
    ErrorKind.PERMISSION: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.QUOTA: 429,
    ErrorKind.TIMEOUT: 504,
    ErrorKind.OVERLOADED: 503,
    ErrorKind.BACKEND: 502,
    ErrorKind.INTERNAL: 500,
}
_MAX_PROBLEM_CHARACTERS = 300


class ConsoleApi:
    """The API of the page: the contract itself, in its JSON form. Its replies are always streamed."""

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Call:
        """Returns the call in a request.

        Raises:
            ApiError: The body is no `StreamAnswerRequest`.
        """
        del headers
        request = pb.StreamAnswerRequest()
        try:
            # A field of a newer contract is no reason to refuse a question.
            ParseDict(dict(body), request, ignore_unknown_fields=True)
        except (ParseError, RecursionError) as error:
            description = str(error).partition("\n")[0][:_MAX_PROBLEM_CHARACTERS]
            raise ApiError(
                ErrorKind.INVALID_REQUEST,
                "The body is no StreamAnswerRequest in the JSON form of the contract.",
                problems=(Problem(field="", description=description),),
            ) from None
        return Call(
            request=request,
            model=MIXTURE,
            reply_id=f"ask-{uuid4().hex}",
            created_s=int(time.time()),
            stream=True,
        )

    def reply(self, call: Call, result: pb.GenerateAnswerResponse) -> dict[str, Any]:
        """Returns the result in the JSON form of the contract."""
        del call
        return MessageToDict(result)

    def writer(self, call: Call) -> EventWriter:
        """Returns the writer of the events of a call."""
        del call
        return EventMessages()

    def error(self, error: ApiError, request_id: str) -> tuple[int, dict[str, Any]]:
        """Returns the HTTP status and the body of an error."""
        return error_reply(error, request_id)


def error_reply(error: ApiError, request_id: str) -> tuple[int, dict[str, Any]]:
    """Returns the HTTP status and the body of an error."""
    return STATUSES[error.kind], error_content(error, request_id)
