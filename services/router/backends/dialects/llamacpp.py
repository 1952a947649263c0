"""The server of llama.cpp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.router.backends.dialects.chat_options import chosen_tools, tool_of
from services.router.backends.dialects.openai import VllmDialect
from services.router.backends.dialects.openai_reader import OpenAiReader
from services.router.backends.dialects.served_models import Catalogue, ServedModel, positive
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.usage import Usage, count_of
from services.router.types.ledger import CallStatus
from services.router.types.options import ToolChoiceMode

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange
    from services.router.backends.http.reader import Reader


class LlamaCppDialect(VllmDialect):
    """Keeps the prompt in the slot's cache, and turns thinking off while an answer is continued.

    The server refuses to continue the message of a model that would think first.
    """

    def reader(self, exchange: Exchange) -> Reader:
        """Returns a reader of the reply."""
        return _LlamaCppReader(exchange, self._cut_at(exchange))

    def catalogue_url(self, base_url: str) -> str:
        """Returns the URL of the server's settings; it serves one model under any name."""
        return f"{base_url.removesuffix('/v1')}/props"

    def catalogue(self, value: object) -> Catalogue:
        """Reads the context window of a request."""
        settings = value.get("default_generation_settings") if isinstance(value, dict) else None
        if not isinstance(settings, dict):
            raise AttemptFailedError(CallStatus.MALFORMED)
        return Catalogue(
            any_name=ServedModel(context_window_tokens=positive(settings.get("n_ctx")))
        )

    def _payload(self, exchange: Exchange) -> dict[str, Any]:
        return super()._payload(exchange) | {"cache_prompt": True}

    def _form(self, exchange: Exchange) -> dict[str, Any]:
        fields = super()._form(exchange)
        if isinstance(fields.get("tool_choice"), dict):  # it knows words alone
            chosen = [tool_of(tool) for tool in chosen_tools(exchange.options)]
            fields |= {"tools": chosen, "tool_choice": ToolChoiceMode.REQUIRED.value}
        return fields

    def _reasoning(self, exchange: Exchange) -> dict[str, Any]:
        if exchange.partial:
            return {"chat_template_kwargs": {"enable_thinking": False}}
        fields = super()._reasoning(exchange)
        if "reasoning_effort" in fields:  # it goes to the chat template
            return {"chat_template_kwargs": fields}
        return fields


class _LlamaCppReader(OpenAiReader):
    """Reads token counts from `timings` if `usage` is missing."""

    def _usage(self, value: dict[str, Any]) -> Usage | None:
        usage = super()._usage(value)
        timings = value.get("timings")
        if usage is not None or not isinstance(timings, dict):
            return usage
        read, written = count_of(timings.get("prompt_n")), count_of(timings.get("predicted_n"))
        cached = count_of(timings.get("cache_n")) or 0  # not among `prompt_n`
        return Usage(
            prompt_tokens=(read or 0) + cached,
            completion_tokens=written or 0,
            cached_prompt_tokens=cached,
        )
