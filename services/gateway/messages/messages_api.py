"""POST /v1/messages: Anthropic's Messages API. Any `anthropic-version` is accepted."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from services.gateway.api import Call
from services.gateway.extension import FIELD
from services.gateway.fields import Fields, Problems
from services.gateway.messages import message, messages_errors
from services.gateway.messages.messages_events import MessageEvents
from services.gateway.messages.messages_request import read_request
from services.gateway.replies.answer_blocks import answer_blocks
from services.gateway.replies.token_usage import token_usage
from services.gateway.report import routing_report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.api import ApiError


class MessagesApi:
    """The Messages API."""

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Call:
        """Returns the call in a request; raises `ApiError` with all of its problems."""
        problems = Problems()
        fields = Fields(body, "", problems)
        call = Call(
            request=read_request(body, headers, problems),
            model=fields.required_text("model"),
            reply_id=f"msg_{uuid.uuid4().hex}",
            created_s=int(time.time()),
            stream=fields.flag("stream") or False,
        )
        problems.raise_if_any()
        return call

    def reply(self, call: Call, result: pb.GenerateAnswerResponse) -> dict[str, Any]:
        """Returns the whole message."""
        blocks = answer_blocks(result.answer)
        content = [message.content_block(block, whole=True) for block in blocks]
        end = message.ended(result.answer, blocks)
        return {
            **message.message_object(call, content, end, token_usage(result)),
            FIELD: routing_report(result, call.routing),
        }

    def writer(self, call: Call) -> MessageEvents:
        """Returns the writer of a streamed message."""
        return MessageEvents(call)

    def error(self, error: ApiError, request_id: str) -> tuple[int, dict[str, Any]]:
        """Returns the HTTP status and the body of an error."""
        return messages_errors.status(error), messages_errors.body(error, request_id)
