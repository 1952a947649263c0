"""The API of Ollama: one JSON object per line.

Its OpenAI-compatible API takes no context window, and cuts prompts silently at the server's default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.router.backends.dialects.dialect import (
    Request,
    body,
    request_headers,
)
from services.router.backends.dialects.ollama_request import ollama_payload
from services.router.backends.dialects.served_models import Catalogue, ServedModel
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.decoders import LineDecoder
from services.router.backends.http.error_objects import is_error
from services.router.backends.http.reader import Reader, text_of
from services.router.backends.http.replies.well_formed import well_formed
from services.router.backends.http.usage import Usage, count_of
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange


class OllamaDialect:
    """Asks `POST {base}/api/chat`; the base URL is the server's root."""

    def request(self, exchange: Exchange) -> Request:
        """Returns the request for an exchange."""
        model = exchange.model
        return Request(
            url=f"{exchange.base_url}/api/chat",
            headers=request_headers(model, "application/x-ndjson"),
            body=body(ollama_payload(exchange), model),
        )

    def reader(self, exchange: Exchange) -> Reader:
        """Returns a reader of the reply."""
        return _OllamaReader(exchange, LineDecoder())

    def catalogue_url(self, base_url: str) -> str:
        """Returns the URL of the list of pulled models."""
        return f"{base_url}/api/tags"

    def catalogue(self, value: object) -> Catalogue:
        """Reads the names of the pulled models."""
        listed = value.get("models") if isinstance(value, dict) else None
        if not isinstance(listed, list):
            raise AttemptFailedError(CallStatus.MALFORMED)
        names = [item.get("name") for item in listed if isinstance(item, dict)]
        named = (well_formed(name) for name in names if isinstance(name, str))
        return Catalogue(models={name: ServedModel() for name in named})


class _OllamaReader(Reader):
    def _event(self, value: dict[str, Any]) -> str:
        if is_error(value):
            raise self._fail(value)
        message = value.get("message")
        if not isinstance(message, dict | None):
            raise AttemptFailedError(CallStatus.MALFORMED)
        if message is not None:
            self._message(message, value.get("logprobs"))
        if value.get("done") is True:
            self._finish(value.get("done_reason"), value)
            self.finished = self.done = True
            self._record_usage(_usage(value))
        return ""

    def _message(self, message: dict[str, Any], log_probabilities: object) -> None:
        self._add_reasoning(message.get("thinking"))
        self._reply.add_text(text_of(message.get("content")))
        if self._reads_log_probabilities and log_probabilities:
            self._reply.add_log_probabilities(log_probabilities)
        if calls := message.get("tool_calls"):
            self._reply.add_tool_calls(calls, whole=True)


def _usage(value: dict[str, Any]) -> Usage:
    # A prompt that was wholly in the cache has no count; the router estimates it.
    return Usage(
        prompt_tokens=count_of(value.get("prompt_eval_count")) or 0,
        completion_tokens=count_of(value.get("eval_count")) or 0,
    )
