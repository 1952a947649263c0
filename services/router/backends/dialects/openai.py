"""Streamed chat completions, as OpenAI and most other backends serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.router.backends.dialects.chat_messages import chat_messages
from services.router.backends.dialects.chat_options import (
    log_probabilities,
    response_format,
    sampling,
    tools,
)
from services.router.backends.dialects.dialect import (
    Request,
    body,
    reply_tokens,
    request_headers,
)
from services.router.backends.dialects.openai_reader import OpenAiReader, OpenRouterReader
from services.router.backends.dialects.served_models import read_listing
from services.router.pool.backend import Backend
from services.router.pool.families import PRESETS, Family
from services.router.pool.request_shape import TokenLimitField
from services.router.types.options import ReasoningEffort

if TYPE_CHECKING:
    from services.router.backends.dialects.served_models import Catalogue
    from services.router.backends.http.exchange import Exchange
    from services.router.backends.http.reader import Reader


class OpenAiDialect:
    """Asks `POST {base}/chat/completions` and reads server-sent events."""

    max_stop_sequences: int | None = 4
    """The router itself cuts replies at further ones; None if the backend takes any number."""

    def request(self, exchange: Exchange) -> Request:
        """Returns the request for an exchange."""
        return Request(
            url=f"{exchange.base_url}/chat/completions",
            headers=self._headers(exchange),
            body=body(self._payload(exchange), exchange.model),
        )

    def reader(self, exchange: Exchange) -> Reader:
        """Returns a reader of the reply."""
        return OpenAiReader(exchange, self._cut_at(exchange))

    def catalogue_url(self, base_url: str) -> str:
        """Returns the URL of the list of models."""
        return f"{base_url}/models"

    def catalogue(self, value: object) -> Catalogue:
        """Reads the list of models."""
        return read_listing(value)

    def _headers(self, exchange: Exchange) -> dict[str, str]:
        return request_headers(exchange.model, "text/event-stream")

    def _payload(self, exchange: Exchange) -> dict[str, Any]:
        model = exchange.model
        shape = model.shape
        payload: dict[str, Any] = {
            "model": model.backend_model or model.id,
            "messages": chat_messages(exchange),
            "stream": True,
        }
        if shape.token_limit_field is not TokenLimitField.NONE:
            payload[shape.token_limit_field.value] = reply_tokens(exchange)
        if shape.stream_options:
            payload["stream_options"] = {"include_usage": True}
        payload |= sampling(exchange) | self._form(exchange) | self._reasoning(exchange)
        payload |= log_probabilities(exchange.options)
        if stop := self._sent_stop(exchange):
            payload["stop"] = stop
        end_user = exchange.options.end_user
        if end_user and model.preset is not PRESETS[Family.MISTRAL_API]:
            payload["user"] = end_user
        return payload

    def _form(self, exchange: Exchange) -> dict[str, Any]:
        """Returns the fields for the form of the reply: tools and JSON."""
        return tools(exchange.options) | response_format(exchange.options)

    def _reasoning(self, exchange: Exchange) -> dict[str, Any]:
        """Returns the fields that say how much to reason."""
        effort = exchange.options.reasoning_effort
        return {} if effort is None else {"reasoning_effort": effort.value}

    def _sent_stop(self, exchange: Exchange) -> list[str]:
        """Returns the stop sequences that the backend takes."""
        if exchange.model.shape.fixed_temperature:  # such models refuse them
            return []
        return list(exchange.options.stop_sequences[: self.max_stop_sequences])

    def _cut_at(self, exchange: Exchange) -> tuple[str, ...]:
        """Returns the stop sequences that the backend does not get."""
        sequences = exchange.options.stop_sequences
        return sequences[len(self._sent_stop(exchange)) :] if sequences else ()


class VllmDialect(OpenAiDialect):
    """vLLM and SGLang: the last message is left open if it is the start of the answer.

    Tenants share no prefix in the cache of vLLM.
    """

    max_stop_sequences = None

    def _payload(self, exchange: Exchange) -> dict[str, Any]:
        payload = super()._payload(exchange)
        if exchange.partial:
            payload |= {"continue_final_message": True, "add_generation_prompt": False}
        if exchange.cache_salt and exchange.model.backend is Backend.VLLM:
            payload["cache_salt"] = exchange.cache_salt
        return payload

    def _reasoning(self, exchange: Exchange) -> dict[str, Any]:
        effort = exchange.options.reasoning_effort
        if effort is None:
            return {}
        if effort is ReasoningEffort.NONE:
            return {"chat_template_kwargs": {"enable_thinking": False}}
        lowest = effort is ReasoningEffort.MINIMAL
        return {"reasoning_effort": ReasoningEffort.LOW.value if lowest else effort.value}


class OpenRouterDialect(OpenAiDialect):
    """OpenRouter: the caller's name in headers, and the cost in the usage.

    A model's name may have a suffix (`:nitro`, `:free`).
    """

    def reader(self, exchange: Exchange) -> Reader:
        """Returns a reader of the reply."""
        return OpenRouterReader(exchange, self._cut_at(exchange))

    def _headers(self, exchange: Exchange) -> dict[str, str]:
        headers = super()._headers(exchange)
        attribution = exchange.model.attribution
        if attribution is not None:
            headers["HTTP-Referer"] = str(attribution.url)
            headers["X-Title"] = attribution.title
        return headers

    def _payload(self, exchange: Exchange) -> dict[str, Any]:
        return super()._payload(exchange) | {"usage": {"include": True}}

    def _reasoning(self, exchange: Exchange) -> dict[str, Any]:
        effort = exchange.options.reasoning_effort
        return {} if effort is None else {"reasoning": {"effort": effort.value}}
