"""TGI: its OpenAI-compatible API, and its native API of plain text in, tokens out.

The native API is for models without a chat template. The prompt is a transcript with empty lines
between the turns:

    {system text}

    User: {text}

    Assistant: {text}

    User: {text}

    Assistant:
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.router.backends.dialects.chat_options import sampling, schema_of, tools
from services.router.backends.dialects.dialect import (
    Request,
    body,
    no_form_for,
    reply_tokens,
    request_headers,
)
from services.router.backends.dialects.openai import OpenAiDialect
from services.router.backends.dialects.roles import shaped
from services.router.backends.dialects.served_models import Catalogue, ServedModel, positive
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.decoders import SseDecoder
from services.router.backends.http.error_objects import is_error
from services.router.backends.http.reader import Reader, text_of
from services.router.backends.http.replies.stop_sequences import StopFilter
from services.router.backends.http.usage import Usage, count_of
from services.router.types.ledger import CallStatus
from services.router.types.messages import Role

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange
    from services.router.types.messages import Message
    from services.router.types.options import JsonFormat

_SPEAKERS = {
    Role.SYSTEM: "",
    Role.USER: "User: ",
    Role.ASSISTANT: "Assistant: ",
    Role.TOOL: "Tool: ",
}
_STOP = "\n\nUser:"
_MAX_STOP_SEQUENCES = 3
"""Sequences of the caller; the server takes four by default, and further ones are cut at here."""


class TgiDialect(OpenAiDialect):
    """TGI's OpenAI-compatible API: a grammar for JSON, and no word for reasoning or parallel calls."""

    def _form(self, exchange: Exchange) -> dict[str, Any]:
        fields = tools(exchange.options)
        fields.pop("parallel_tool_calls", None)
        if not fields:  # it refuses a grammar beside tools
            return _grammar("response_format", exchange.options.json_format)
        return fields

    def _reasoning(self, _exchange: Exchange) -> dict[str, Any]:
        return {}

    def catalogue_url(self, base_url: str) -> str:
        """Returns the URL of the server's settings; it serves one model under any name."""
        return _info_url(base_url)

    def catalogue(self, value: object) -> Catalogue:
        """Reads the context window."""
        return _read_info(value)


class TgiNativeDialect:
    """Asks `POST {base}/generate_stream`; the base URL is the server's root."""

    def request(self, exchange: Exchange) -> Request:
        """Returns the request for an exchange."""
        model = exchange.model
        parameters: dict[str, Any] = {
            "max_new_tokens": reply_tokens(exchange),
            "details": True,
            "return_full_text": False,
            "stop": [_STOP, *exchange.options.stop_sequences[:_MAX_STOP_SEQUENCES]],
            **_sampling(exchange),
            **_grammar("grammar", exchange.options.json_format),
        }
        return Request(
            url=f"{exchange.base_url}/generate_stream",
            headers=request_headers(model, "text/event-stream"),
            body=body({"inputs": render(exchange), "parameters": parameters}, model),
        )

    def reader(self, exchange: Exchange) -> Reader:
        """Returns a reader of the reply."""
        return _TgiReader(exchange)

    def catalogue_url(self, base_url: str) -> str:
        """Returns the URL of the server's settings."""
        return _info_url(base_url)

    def catalogue(self, value: object) -> Catalogue:
        """Reads the context window."""
        return _read_info(value)


def _info_url(base_url: str) -> str:
    return f"{base_url.removesuffix('/v1')}/info"


def _read_info(value: object) -> Catalogue:
    if not isinstance(value, dict) or "model_id" not in value:
        raise AttemptFailedError(CallStatus.MALFORMED)
    window = positive(value.get("max_total_tokens"))
    return Catalogue(any_name=ServedModel(context_window_tokens=window))


def render(exchange: Exchange) -> str:
    """Returns the messages as one transcript, for the model to continue."""
    turns = [_turn(message) for message in shaped(exchange.messages, exchange.model.shape)]
    answer = f"Assistant: {exchange.partial}" if exchange.partial else "Assistant:"
    return "\n\n".join([*turns, answer])


def _turn(message: Message) -> str:
    if message.media:
        raise no_form_for(f"{message.media[0].kind.value}s")
    calls = [f"[{call.name}({call.arguments_json})]" for call in message.tool_calls]
    return _SPEAKERS[message.role] + "\n".join(filter(None, [message.content, *calls]))


def _sampling(exchange: Exchange) -> dict[str, Any]:
    """Returns how tokens are chosen; TGI refuses 0 as a temperature and 1 as a share."""
    fields = sampling(exchange)
    fields.pop("presence_penalty", None)
    chance = fields.get("temperature")
    sampled = bool(chance) or (chance is None and "top_p" in fields)
    if not sampled:
        fields.pop("temperature", None)
    if fields.get("top_p") == 1:
        del fields["top_p"]
    return {"do_sample": sampled, **fields}


def _grammar(field: str, form: JsonFormat | None) -> dict[str, Any]:
    if form is None:
        return {}
    return {field: {"type": "json", "value": schema_of(form) or {"type": "object"}}}


class _TgiReader(Reader):
    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange, SseDecoder())
        self._at_start = not exchange.partial
        self._stop = StopFilter((_STOP, *exchange.options.stop_sequences))
        """Removes the stop sequence, which TGI sends too."""

    def _event(self, value: dict[str, Any]) -> str:
        if is_error(value):
            raise self._fail(value)
        text = ""
        token, details = value.get("token"), value.get("details")
        if not isinstance(token, dict | None) or not isinstance(details, dict | None):
            raise AttemptFailedError(CallStatus.MALFORMED)
        if token is not None and token.get("special") is not True:
            text = self._stop.feed(text_of(token.get("text")))
        if details is not None:
            self._record_usage(_usage(details))
            self._finish(details.get("finish_reason"), value)
        if value.get("generated_text") is not None:
            self.finished = True
        self.done = self.finished
        if self.done:
            text += self._stop.finish()
        if self._at_start:
            text = text.lstrip()
            self._at_start = not text
        return text


def _usage(details: dict[str, Any]) -> Usage:
    return Usage(
        prompt_tokens=count_of(details.get("input_length")) or 0,
        completion_tokens=count_of(details.get("generated_tokens")) or 0,
    )
