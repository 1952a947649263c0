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

from services.router.backends.dialects.dialect import (
    Request,
    body,
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
from services.router.backends.http.usage import Usage, count_of
from services.router.types.ledger import CallStatus
from services.router.types.messages import Role

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange

_SPEAKERS = {Role.SYSTEM: "", Role.USER: "User: ", Role.ASSISTANT: "Assistant: "}
_STOP = "\n\nUser:"


class TgiDialect(OpenAiDialect):
    """TGI's OpenAI-compatible API."""

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
            "stop": [_STOP],
            "do_sample": bool(model.sent_temperature),
        }
        if model.sent_temperature:  # TGI refuses zero; no sampling means the same
            parameters["temperature"] = model.sent_temperature
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
    turns = [
        f"{_SPEAKERS[m.role]}{m.content}" for m in shaped(exchange.messages, exchange.model.shape)
    ]
    answer = f"Assistant: {exchange.partial}" if exchange.partial else "Assistant:"
    return "\n\n".join([*turns, answer])


class _TgiReader(Reader):
    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange, SseDecoder())
        self._at_start = not exchange.partial
        self._held = ""
        """Text that may be the start of the stop sequence, which TGI sends too."""

    def _event(self, value: dict[str, Any]) -> str:
        if is_error(value):
            raise self._fail(value)
        token, details = value.get("token"), value.get("details")
        if not isinstance(token, dict | None) or not isinstance(details, dict | None):
            raise AttemptFailedError(CallStatus.MALFORMED)
        if token is not None and token.get("special") is not True:
            self._held += text_of(token.get("text"))
        if details is not None:
            self._record_usage(_usage(details))
            self._finish(details.get("finish_reason"), value)
        if value.get("generated_text") is not None:
            self.finished = True
        self.done = self.finished
        return self._settled()

    def _settled(self) -> str:
        """Returns the held text without stop sequence and without white space before the answer."""
        text, stop, _ = self._held.partition(_STOP)
        if not stop and not self.done:
            lengths = range(min(len(_STOP) - 1, len(text)), 0, -1)
            kept = next((n for n in lengths if _STOP.startswith(text[-n:])), 0)
            text = text[: len(text) - kept]
        self._held = "" if stop else self._held[len(text) :]
        if self._at_start:
            text = text.lstrip()
            self._at_start = not text
        return text


def _usage(details: dict[str, Any]) -> Usage:
    return Usage(
        prompt_tokens=count_of(details.get("input_length")) or 0,
        completion_tokens=count_of(details.get("generated_tokens")) or 0,
    )
