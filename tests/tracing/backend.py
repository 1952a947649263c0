"""A backend of one model that keeps the headers of its requests."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping


@dataclass(slots=True)
class Backend:
    """A running backend."""

    url: str = ""
    headers: list[Mapping[str, str]] = field(default_factory=list)
    """Those of each request, by their names in lower case."""


@asynccontextmanager
async def running_backend(answer: str) -> AsyncIterator[Backend]:
    """Runs a backend that gives every question the same answer."""
    backend, port = Backend(), free_port()

    async def complete(request: web.Request) -> web.StreamResponse:
        await request.read()
        backend.headers.append({name.lower(): value for name, value in request.headers.items()})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in (
            {"choices": [{"index": 0, "delta": {"content": answer}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}},
        ):
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/v1/chat/completions", complete)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    backend.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield backend
    finally:
        await runner.cleanup()
