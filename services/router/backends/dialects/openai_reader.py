"""Reads the streams of OpenAI-compatible backends: events -> parts of a reply, usage and failures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from services.router.backends.dialects.openai_usage import read_cost, read_usage
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.decoders import SseDecoder
from services.router.backends.http.error_objects import is_error
from services.router.backends.http.reader import Reader, text_of
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.backends.http.exchange import Exchange
    from services.router.backends.http.usage import Usage


class OpenAiReader(Reader):
    """Reads `chat.completion.chunk` events of all such backends."""

    def __init__(self, exchange: Exchange, cut_at: Sequence[str] = ()) -> None:
        super().__init__(exchange, SseDecoder(), cut_at)

    def _event(self, value: dict[str, Any]) -> str:
        choices = value.get("choices")
        if (not choices or "error" in value) and is_error(value):
            raise self._fail(value)
        if value.get("usage") or "timings" in value:
            usage = self._usage(value)
            if usage is not None:
                self._record_usage(usage)
        if not choices or not isinstance(choices, list):
            return ""
        choice = choices[0]
        if not isinstance(choice, dict):
            raise AttemptFailedError(CallStatus.MALFORMED)
        if choice.get("error"):
            raise self._fail(choice)
        delta = choice.get("delta")
        text = delta.get("content") if type(delta) is dict and len(delta) == 1 else None
        if type(text) is not str:  # a text alone is by far the most frequent case
            text = self._delta(delta) if delta else self._message(choice)
        if self._reads_log_probabilities:
            text = self._log_probabilities(choice.get("logprobs"), text)
        reason = choice.get("finish_reason")
        if reason:  # an empty one says nothing
            self._finish(reason, choice)
        return text

    def _text_holder(self, value: dict[str, Any]) -> dict[str, Any] | None:
        choice = value["choices"][0]
        delta: dict[str, Any] = choice.get("delta") or {}
        is_text = delta.keys() == {"content"} and type(delta["content"]) is str
        has_more = value.get("usage") or "timings" in value or choice.get("finish_reason")
        return delta if is_text and not has_more and not self._reads_log_probabilities else None

    def _message(self, choice: dict[str, Any]) -> str:
        """Reads the message of a reply that is not streamed; some servers repeat it at the end."""
        message = None if self._reply.begun else choice.get("message")
        return "" if message is None else self._delta(message, whole=True)

    def _delta(self, delta: object, *, whole: bool = False) -> str:
        if not isinstance(delta, dict):
            raise AttemptFailedError(CallStatus.MALFORMED)
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if reasoning is not None:
            self._add_reasoning(reasoning)
        content = delta.get("content")
        if type(content) is not str:
            content = self._content(content)
        refusal = delta.get("refusal")
        calls, function = delta.get("tool_calls"), delta.get("function_call")
        if not (refusal or calls or function):
            return content
        self._reply.add_text(content)
        if refusal:
            self._reply.add_refusal(text_of(refusal))
        if calls:
            self._reply.add_tool_calls(calls, whole=whole)
        elif function:
            self._reply.add_function_call(function)
        return ""

    def _log_probabilities(self, value: object, text: str) -> str:
        """Adds a text with its log probabilities; without them, returns the text instead."""
        tokens = value.get("content") if isinstance(value, dict) else None
        if not tokens:
            return text
        self._reply.add_text(text)
        self._reply.add_log_probabilities(tokens)
        return ""

    def _content(self, content: object) -> str:
        """Returns the text of a content that is a list of parts: texts, reasoning and others."""
        if isinstance(content, list):
            return "".join(map(self._part, content))
        return text_of(content)

    def _part(self, part: object) -> str:
        if isinstance(part, str):
            return part
        if not isinstance(part, dict):
            raise AttemptFailedError(CallStatus.MALFORMED)
        for name in ("thinking", "reasoning"):
            if part.get(name):
                self._add_reasoning(joined_text(part[name]))
                return ""
        if part.get("refusal"):
            self._reply.add_refusal(text_of(part["refusal"]))
            return ""
        return text_of(part.get("text"))

    def _usage(self, value: dict[str, Any]) -> Usage | None:
        """Returns the usage in an event, if any."""
        return read_usage(value.get("usage"))


def joined_text(value: object) -> str:
    """Returns a text that is given as such, or as a list of texts or of parts with a text."""
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, list) else []
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return "".join(text for text in texts if isinstance(text, str))


class OpenRouterReader(OpenAiReader):
    """Reads the cost too; no other backend's is believed."""

    def _usage(self, value: dict[str, Any]) -> Usage | None:
        usage = super()._usage(value)
        return None if usage is None else replace(usage, cost_usd=read_cost(value["usage"]))
