"""A server of chat completions on loopback that refuses requests as real backends do."""

from __future__ import annotations

import itertools
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.test_utils import TestServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping


def _roles(payload: Mapping[str, Any]) -> list[str]:
    return [message["role"] for message in payload["messages"]]


def _alternate(payload: Mapping[str, Any]) -> bool:
    turns = [role for role in _roles(payload) if role not in {"system", "developer"}]
    return turns[0] == "user" and all(a != b for a, b in itertools.pairwise(turns))


REFUSALS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "system role not supported": lambda p: "system" in _roles(p),
    "roles must alternate": lambda p: not _alternate(p),
    "unsupported parameter: max_tokens": lambda p: "max_tokens" in p,
    "unsupported parameter: max_completion_tokens": lambda p: "max_completion_tokens" in p,
    "temperature must be 1": lambda p: p.get("temperature", 1) != 1,
    "extra input: stream_options": lambda p: "stream_options" in p,
}
"""Error messages, and the requests that they refuse."""


@dataclass(slots=True, kw_only=True)
class RefusingBackend:
    """The server while it runs."""

    refusals: tuple[str, ...]
    http_status: int
    text: str
    url: str = ""
    answered: list[Any] = field(default_factory=list)
    """The requests that it answered, as are those that it refused."""
    refused: list[Any] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    """Of the last request."""

    async def answer(self, request: web.Request) -> web.Response:
        """Refuses a request, or answers it with the text."""
        payload = await request.json()
        self.headers = dict(request.headers)
        refusal = next((name for name in self.refusals if REFUSALS[name](payload)), None)
        if refusal is not None:
            self.refused.append(payload)
            return web.json_response({"error": {"message": refusal}}, status=self.http_status)
        self.answered.append(payload)
        choice = {"index": 0, "delta": {"content": self.text}, "finish_reason": "stop"}
        events = f"data: {json.dumps({'choices': [choice]})}\n\ndata: [DONE]\n\n"
        return web.Response(text=events, content_type="text/event-stream")


@asynccontextmanager
async def refusing(
    *refusals: str, http_status: int = 400, text: str = "Eight."
) -> AsyncIterator[RefusingBackend]:
    """Runs a backend that refuses requests for reasons of `REFUSALS`, the first one that holds."""
    backend = RefusingBackend(refusals=refusals, http_status=http_status, text=text)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", backend.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        backend.url = str(server.make_url("/v1"))
        yield backend
