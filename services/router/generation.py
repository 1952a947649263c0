"""Calls models over the OpenAI-compatible streaming API that vLLM, TGI and others serve.

request -> POST chat/completions -> bytes -> events (`sse.py`) -> text. Everything that arrived together
leaves together, so that a fast backend costs few wake-ups. Every failure becomes a `CallStatus`.
"""

from __future__ import annotations

import json
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp

from services.router.calls import CallFailedError, ModelCall, Usage
from services.router.ledger import CallStatus
from services.router.sse import SseDecoder, SseError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

_DONE = "[DONE]"
_CONNECT_TIMEOUT_S = 5.0
# Below the five seconds after which common backends close an idle connection, so that a request is
# never sent into a closing one.
_KEEPALIVE_S = 4.0
_CHARACTERS_PER_TOKEN_LIMIT = 32
"""A reply of more characters per allowed token than this is no reply of that model."""


class Generator(Protocol):
    """Whatever can run a call."""

    def stream(self, call: ModelCall) -> AsyncGenerator[str, None]:
        """Yields the raw reply in pieces as it comes and keeps the call's record.

        Raises:
            CallFailedError: No whole reply came.
        """
        ...


@asynccontextmanager
async def open_generator() -> AsyncIterator[HttpGenerator]:
    """Opens the connection pool that all calls share."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield HttpGenerator(session)


class HttpGenerator:
    """Runs calls over HTTP. It sets no deadline: whoever awaits it does."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def stream(self, call: ModelCall) -> AsyncGenerator[str, None]:
        """Yields the raw reply in pieces; see `Generator`."""
        call.sent = True
        try:
            async with self._session.post(
                call.model.endpoint,
                data=json.dumps(_payload(call)).encode(),
                headers=_headers(call),
                allow_redirects=False,
            ) as response:
                _check_status(response.status)
                async with aclosing(_texts(call, response)) as texts:
                    async for text in texts:
                        yield text
        except aiohttp.ClientResponseError as error:
            raise CallFailedError(CallStatus.MALFORMED) from error
        except (aiohttp.ClientError, OSError) as error:
            raise CallFailedError(CallStatus.UNREACHABLE) from error


async def _texts(call: ModelCall, response: aiohttp.ClientResponse) -> AsyncGenerator[str, None]:
    reply = _ReplyReader(call)
    try:
        async for data in response.content.iter_any():
            text = reply.read(data)
            if text:
                call.add_text(text)
                yield text
            if reply.done:
                return
    except SseError as error:
        raise CallFailedError(CallStatus.MALFORMED) from error
    except (aiohttp.ClientError, OSError) as error:
        raise CallFailedError(CallStatus.INTERRUPTED) from error
    if not reply.finished:
        raise CallFailedError(CallStatus.INTERRUPTED)


class _ReplyReader:
    """Reads the events of one reply."""

    def __init__(self, call: ModelCall) -> None:
        self._call = call
        self._decoder = SseDecoder()
        self._characters_left = call.model.max_reply_tokens * _CHARACTERS_PER_TOKEN_LIMIT
        self.finished = False
        """Whether the backend said why the reply ends."""
        self.done = False
        """Whether the backend said that nothing follows."""

    def read(self, data: bytes) -> str:
        """Returns the text in a piece of the stream."""
        parts = []
        for event in self._decoder.feed(data):
            if event == _DONE:
                self.finished = self.done = True
                break
            parts.append(self._event(event))
        text = "".join(parts)
        self._characters_left -= len(text)
        if self._characters_left < 0:
            raise CallFailedError(CallStatus.MALFORMED)
        return text

    def _event(self, event: str) -> str:
        try:
            value = json.loads(event)
        except (ValueError, RecursionError) as error:
            raise CallFailedError(CallStatus.MALFORMED) from error
        if not isinstance(value, dict):
            raise CallFailedError(CallStatus.MALFORMED)
        if value.get("error"):
            raise CallFailedError(CallStatus.BACKEND_ERROR)
        usage = _usage(value.get("usage"))
        if usage is not None:
            self._call.usage = usage
        choices = value.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        if not isinstance(choice, dict):
            raise CallFailedError(CallStatus.MALFORMED)
        if choice.get("finish_reason") == "error":
            raise CallFailedError(CallStatus.BACKEND_ERROR)
        self.finished = self.finished or choice.get("finish_reason") is not None
        return self._delta(choice.get("delta"))

    def _delta(self, delta: object) -> str:
        if delta is None:
            return ""
        if not isinstance(delta, dict):
            raise CallFailedError(CallStatus.MALFORMED)
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(reasoning, str):
            self._call.reasoning_characters += len(reasoning)
        content = delta.get("content")
        if content is None:
            return ""
        if not isinstance(content, str):
            raise CallFailedError(CallStatus.MALFORMED)
        return content


def _payload(call: ModelCall) -> dict[str, Any]:
    model = call.model
    payload: dict[str, Any] = {
        "model": model.backend_model or model.id,
        "messages": [{"role": m.role.value, "content": m.content} for m in call.messages],
        "max_tokens": model.max_reply_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if model.temperature is not None:
        payload["temperature"] = model.temperature
    return payload


def _headers(call: ModelCall) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    key = call.model.api_key()
    if key is not None:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return headers


def _check_status(status: int) -> None:
    if status == 200:
        return
    if status == 429:
        raise CallFailedError(CallStatus.RATE_LIMITED)
    if status >= 500:
        raise CallFailedError(CallStatus.BACKEND_ERROR)
    raise CallFailedError(CallStatus.REJECTED)


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
