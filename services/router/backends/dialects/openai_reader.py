"""Reads the streams of OpenAI-compatible backends: events -> text, usage and failures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from services.router.backends.dialects.openai_usage import read_cost, read_usage
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.decoders import SseDecoder
from services.router.backends.http.reader import Reader, text_of
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange
    from services.router.backends.http.usage import Usage


class OpenAiReader(Reader):
    """Reads `chat.completion.chunk` events of all such backends."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange, SseDecoder())

    def _event(self, value: dict[str, Any]) -> str:
        if value.get("error") or value.get("object") == "error":
            raise self._fail(value.get("error") or value)
        usage = self._usage(value)
        if usage is not None:
            self._record_usage(usage)
        choices = value.get("choices")
        if not choices or not isinstance(choices, list):
            return ""
        choice = choices[0]
        if not isinstance(choice, dict):
            raise AttemptFailedError(CallStatus.MALFORMED)
        reason = choice.get("finish_reason")
        if reason is not None:
            self._finish(reason, choice)
        delta = choice.get("delta")
        return "" if delta is None else self._delta(delta)

    def _finish(self, reason: object, choice: dict[str, Any]) -> None:
        if reason == "error":
            raise self._fail(choice.get("error"))
        if reason == "abort":  # the server aborted the request: it shuts down, or is out of memory
            raise AttemptFailedError(CallStatus.INTERRUPTED)
        self.finished = True

    def _delta(self, delta: object) -> str:
        if not isinstance(delta, dict):
            raise AttemptFailedError(CallStatus.MALFORMED)
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if reasoning is not None:
            self._add_reasoning(reasoning)
        content = delta.get("content")
        return content if type(content) is str else text_of(content)

    def _usage(self, value: dict[str, Any]) -> Usage | None:
        """Returns the usage in an event, if any."""
        return read_usage(value.get("usage"))


class OpenRouterReader(OpenAiReader):
    """Reads the cost too; no other backend's is believed."""

    def _usage(self, value: dict[str, Any]) -> Usage | None:
        usage = super()._usage(value)
        return None if usage is None else replace(usage, cost_usd=read_cost(value["usage"]))
