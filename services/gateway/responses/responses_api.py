"""POST /v1/responses: OpenAI's Responses API, without what needs stored responses."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from services.gateway.api import Call
from services.gateway.extension import FIELD
from services.gateway.fields import Fields, Problems
from services.gateway.replies.answer_blocks import answer_blocks
from services.gateway.report import routing_report
from services.gateway.responses import output_items
from services.gateway.responses.response import ending, response_object
from services.gateway.responses.responses_errors import error_body
from services.gateway.responses.responses_events import ResponseEvents
from services.gateway.responses.responses_request import read_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.api import ApiError


class ResponsesApi:
    """The Responses API."""

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Call:
        """Returns the call in a request; raises `ApiError` with all of its problems."""
        problems = Problems()
        fields = Fields(body, "", problems)
        call = Call(
            request=read_request(body, headers, problems),
            model=fields.required_text("model"),
            reply_id=f"resp_{uuid.uuid4().hex}",
            created_s=int(time.time()),
            stream=fields.flag("stream") or False,
            body=body,
        )
        problems.raise_if_any()
        return call

    def reply(self, call: Call, result: pb.GenerateAnswerResponse) -> dict[str, Any]:
        """Returns the whole response."""
        end = ending(call, result)
        blocks = answer_blocks(result.answer)
        output = output_items.items(call.reply_id, blocks, end.status)
        return {
            **response_object(call, output, end),
            FIELD: routing_report(result, call.routing),
        }

    def writer(self, call: Call) -> ResponseEvents:
        """Returns the writer of a streamed response."""
        return ResponseEvents(call)

    def error(self, error: ApiError, request_id: str) -> tuple[int, dict[str, Any]]:
        """Returns the HTTP status and the body of an error."""
        return error_body(error, request_id)
