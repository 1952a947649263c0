"""The streaming chat completions that OpenAI defined and most backends speak."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from services.router.ledger import CallStatus
from services.router.wire.dialect import Request
from services.router.wire.exchange import AttemptFailedError, Usage
from services.router.wire.sse import SseDecoder, SseError

if TYPE_CHECKING:
    from services.router.wire.exchange import Exchange

_DONE = "[DONE]"
_CHARACTERS_PER_TOKEN_LIMIT = 32
"""A reply of more characters per allowed token than this is no reply of that model."""


class OpenAiDialect:
    """Asks `POST {base}/chat/completions` and reads server-sent events."""

    continues = False

    def request(self, exchange: Exchange) -> Request:
        """Returns what is sent."""
        return Request(
            url=f"{exchange.base_url}/chat/completions",
            headers=self.headers(exchange),
            body=json.dumps(self.payload(exchange)).encode(),
        )

    def reader(self, exchange: Exchange) -> OpenAiReader:
        """Returns a reader of the reply."""
        return OpenAiReader(exchange)

    def headers(self, exchange: Exchange) -> dict[str, str]:
        """Returns the request's headers."""
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        key = exchange.model.api_key()
        if key is not None:
            headers["Authorization"] = f"Bearer {key.get_secret_value()}"
        return headers

    def payload(self, exchange: Exchange) -> dict[str, Any]:
        """Returns the request's body."""
        model = exchange.model
        payload: dict[str, Any] = {
            "model": model.backend_model or model.id,
            "messages": [{"role": m.role.value, "content": m.content} for m in exchange.messages],
            "max_tokens": model.max_reply_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if model.temperature is not None:
            payload["temperature"] = model.temperature
        return payload


class OpenAiReader:
    """Reads the events of one reply."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._decoder = SseDecoder()
        self._characters_left = exchange.model.max_reply_tokens * _CHARACTERS_PER_TOKEN_LIMIT
        self.finished = False
        self.done = False

    def read(self, data: bytes) -> str:
        """Returns the text in a piece of the stream; see `Reader`."""
        parts = []
        try:
            events = self._decoder.feed(data)
        except SseError as error:
            raise AttemptFailedError(CallStatus.MALFORMED) from error
        for event in events:
            if event == _DONE:
                self.finished = self.done = True
                break
            parts.append(self._event(event))
        text = "".join(parts)
        self._characters_left -= len(text)
        if self._characters_left < 0:
            raise AttemptFailedError(CallStatus.MALFORMED)
        return text

    def _event(self, event: str) -> str:
        try:
            value = json.loads(event)
        except (ValueError, RecursionError) as error:
            raise AttemptFailedError(CallStatus.MALFORMED) from error
        if not isinstance(value, dict):
            raise AttemptFailedError(CallStatus.MALFORMED)
        if value.get("error"):
            raise AttemptFailedError(CallStatus.BACKEND_ERROR)
        usage = _usage(value.get("usage"))
        if usage is not None:
            self._exchange.usage = usage
        choices = value.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        if not isinstance(choice, dict):
            raise AttemptFailedError(CallStatus.MALFORMED)
        if choice.get("finish_reason") == "error":
            raise AttemptFailedError(CallStatus.BACKEND_ERROR)
        self.finished = self.finished or choice.get("finish_reason") is not None
        return self._delta(choice.get("delta"))

    def _delta(self, delta: object) -> str:
        if delta is None:
            return ""
        if not isinstance(delta, dict):
            raise AttemptFailedError(CallStatus.MALFORMED)
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(reasoning, str):
            self._exchange.reasoning_characters += len(reasoning)
        content = delta.get("content")
        if content is None:
            return ""
        if not isinstance(content, str):
            raise AttemptFailedError(CallStatus.MALFORMED)
        return content


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    prompt, completion = value.get("prompt_tokens"), value.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    cost = value.get("cost")
    is_cost = isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost < 1e6
    return Usage(
        prompt_tokens=max(prompt, 0),
        completion_tokens=max(completion, 0),
        cost_usd=float(cost) if is_cost and cost is not None else None,
    )
