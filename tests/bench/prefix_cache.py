"""A simulated backend whose replicas keep prompts in caches, as vLLM and the large providers do.

A word counts as one token. A replica finds the longest beginning of a prompt, in blocks, that it has
seen before, and reports its tokens as cached.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

BLOCK_TOKENS = 16
REPLY_TOKENS = 30


class PrefixCache:
    """The blocks of all prompts that one replica has seen."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def read(self, words: Sequence[str]) -> int:
        """Returns the number of words at the beginning that were seen before; keeps the others."""
        cached, digest = 0, hashlib.blake2b(digest_size=16)
        for start in range(0, len(words) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
            digest.update(" ".join(words[start : start + BLOCK_TOKENS]).encode())
            block = digest.digest()
            if block in self._seen and cached == start:
                cached = start + BLOCK_TOKENS
            self._seen.add(block)
        return cached


class Replica:
    """One replica that serves chat completions."""

    def __init__(self) -> None:
        self._cache = PrefixCache()
        self._reply_count = 0

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Streams a reply, with the usage at its end."""
        body = json.loads(await request.read())
        words = [word for message in body["messages"] for word in _words(message)]
        cached = self._cache.read(words)
        self._reply_count += 1
        text = " ".join([f"step{self._reply_count}", *["word"] * (REPLY_TOKENS - 1)])
        usage = {
            "prompt_tokens": len(words),
            "completion_tokens": REPLY_TOKENS,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        head = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": body["model"]}
        delta = {"role": "assistant", "content": text}
        chunks = [
            head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
            head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            head | {"choices": [], "usage": usage},
        ]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        with suppress(ConnectionResetError):  # another replica was faster
            await response.prepare(request)
            await response.write("".join([*lines, "data: [DONE]\n\n"]).encode())
            await response.write_eof()
        return response


def _words(message: dict[str, object]) -> list[str]:
    calls = json.dumps(message.get("tool_calls") or "")
    return [f"<{message['role']}>", *str(message.get("content") or "").split(), *calls.split()]


@asynccontextmanager
async def running_replica() -> AsyncIterator[str]:
    """Runs a replica until the block ends; yields its base URL."""
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", Replica().complete)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/v1"
    finally:
        await runner.cleanup()
