"""vLLM and SGLang: OpenAI's dialect by servers that can go on from the start of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.router.backends.dialects.openai import OpenAiDialect

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange


class ContinuingDialect(OpenAiDialect):
    """Leaves the last message open where it is the start of the answer."""

    @property
    def continues(self) -> bool:
        """It goes on with the assistant's message."""
        return True

    def _payload(self, exchange: Exchange) -> dict[str, Any]:
        payload = super()._payload(exchange)
        if exchange.partial:
            payload |= {"continue_final_message": True, "add_generation_prompt": False}
        return payload
