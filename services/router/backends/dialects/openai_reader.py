"""Reads the streams of OpenAI-compatible backends: events -> text, usage and failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.decoders import SseDecoder
from services.router.backends.http.exchange import Usage
from services.router.backends.http.reader import Reader, count_in, count_of, text_of
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange


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
        usage = value.get("usage")
        return None if usage is None else read_usage(usage)


def read_usage(value: object) -> Usage | None:
    """Returns the token counts in a `usage` object; None if it holds none."""
    if not isinstance(value, dict):
        return None
    prompt, completion = (
        count_of(value.get("prompt_tokens")),
        count_of(value.get("completion_tokens")),
    )
    if prompt is None or completion is None:
        return None
    read, written = value.get("prompt_tokens_details"), value.get("completion_tokens_details")
    reasoning = count_in(written, "reasoning_tokens")
    if reasoning is None:
        reasoning = count_of(value.get("reasoning_tokens"))  # SGLang reports it here
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_prompt_tokens=min(count_in(read, "cached_tokens") or 0, prompt),
        reasoning_tokens=None if reasoning is None else min(reasoning, completion),
        cost_usd=_cost(value.get("cost")),
    )


def _cost(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e6 else None
