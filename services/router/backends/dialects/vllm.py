"""vLLM and SGLang: the OpenAI dialect of servers that can continue a started answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.router.backends.dialects.openai import OpenAiDialect

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange


class VllmDialect(OpenAiDialect):
    """Leaves the last message open if it is the start of the answer."""

    def _payload(self, exchange: Exchange) -> dict[str, Any]:
        payload = super()._payload(exchange)
        if exchange.partial:
            payload |= {"continue_final_message": True, "add_generation_prompt": False}
        return payload
