"""OpenRouter: OpenAI's dialect, with the caller's name in headers and dollars in the usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.router.backends.dialects.openai import OpenAiDialect

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange


class OpenRouterDialect(OpenAiDialect):
    """Asks for the cost. A model's name may have a suffix (`:nitro`, `:floor`, `:free`)."""

    def _headers(self, exchange: Exchange) -> dict[str, str]:
        headers = super()._headers(exchange)
        attribution = exchange.model.attribution
        if attribution is not None:
            headers["HTTP-Referer"] = str(attribution.url)
            headers["X-Title"] = attribution.title
        return headers

    def _payload(self, exchange: Exchange) -> dict[str, Any]:
        return super()._payload(exchange) | {"usage": {"include": True}}
