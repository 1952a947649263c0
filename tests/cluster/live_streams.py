"""Streams answers from a pod, half over gRPC and half through the gateway, until its input ends.

`python live_streams.py STREAMS ROUTER GATEWAY TOKEN` prints a line once every stream has its first
token, and one JSON object at its end. A stream is whole if it ends as its protocol says; one that
ends otherwise, without an error, is truncated.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import aiohttp

from routemoa import RouteMoAClient
from routemoa.errors import RouteMoAError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

QUESTION = "Why is the sky blue? Say it in a few sentences, please."
TIMEOUT_S = 60
WHOLE, TRUNCATED = "whole", "truncated"


class Seen:
    """What came of the streams."""

    def __init__(self, count: int) -> None:
        """Has seen nothing of so many streams."""
        self.outcomes: Counter[str] = Counter()
        self.longest_wait_s = 0.0
        self._silent = set(range(count))

    def token(self, stream: int, waited_s: float) -> None:
        """Counts a token and the time since the one before it, or since the stream was asked for."""
        self.longest_wait_s = max(self.longest_wait_s, waited_s)
        if stream in self._silent:
            self._silent.remove(stream)
            if not self._silent:
                sys.stdout.write("live\n")
                sys.stdout.flush()


async def over_grpc(client: RouteMoAClient, number: int) -> AsyncIterator[str]:
    """Streams one answer; yields an empty text per token, at last what came of it."""
    text, end = "", TRUNCATED
    question = f"{QUESTION} ({number})"
    async for event in client.stream(question, full_result=True, timeout_s=TIMEOUT_S):
        kind = event.WhichOneof("event")
        if kind == "delta":
            text += event.delta.text
            yield ""
        elif kind == "reset":
            text = ""
        elif kind == "result":
            end = WHOLE if event.result.answer.text == text != "" else TRUNCATED
    yield end


async def over_http(session: aiohttp.ClientSession, number: int) -> AsyncIterator[str]:
    """The same, through the gateway."""
    question = {"role": "user", "content": f"{QUESTION} ({number})"}
    body = {"model": "routemoa", "stream": True, "messages": [question]}
    text, finished, end = "", None, TRUNCATED
    async with session.post("/v1/chat/completions", json=body) as response:
        response.raise_for_status()
        async for line in response.content:
            data = line.decode().removeprefix("data: ").strip()
            if data == "[DONE]":
                end = WHOLE if finished == "stop" and text else TRUNCATED
            elif line.startswith(b"data: "):
                event = json.loads(data)
                if "error" in event:
                    raise ValueError(event["error"]["message"])
                for choice in event["choices"]:
                    text += choice["delta"].get("content") or ""
                    finished = choice["finish_reason"] or finished
                yield ""
    yield end


async def follow(
    n: int, stream: Callable[[int], AsyncIterator[str]], ended: asyncio.Event, seen: Seen
) -> None:
    """Streams one answer after another until the end is asked for."""
    number = 0
    while not ended.is_set():
        number += 1
        begun_s = time.monotonic()
        outcome = TRUNCATED
        try:
            async for token in stream(number):
                outcome = token or outcome
                if not token:
                    seen.token(n, time.monotonic() - begun_s)
                    begun_s = time.monotonic()
        except (RouteMoAError, aiohttp.ClientError, TimeoutError, ValueError) as error:
            outcome = f"{type(error).__name__}: {error}"[:200]
            await asyncio.sleep(0.2)
        seen.outcomes[outcome] += 1


async def end_with_input(ended: asyncio.Event) -> None:
    """Asks for the end once the input has ended."""
    await asyncio.to_thread(sys.stdin.read)
    ended.set()


async def main(count: int, router: str, gateway: str, token: str) -> None:
    """Streams until the input ends."""
    ended, seen = asyncio.Event(), Seen(count)
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with (
        RouteMoAClient(router, token=lambda: token, plaintext_token=True) as client,
        aiohttp.ClientSession(gateway, headers=headers, timeout=timeout) as session,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(end_with_input(ended))
        for n in range(count):
            stream = partial(over_grpc, client) if n % 2 else partial(over_http, session)
            group.create_task(follow(n, stream, ended, seen))
    found = {"outcomes": seen.outcomes, "longest_wait_s": round(seen.longest_wait_s, 2)}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
