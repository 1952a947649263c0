"""Shared by the tests of the simulator: scripts, a caller, and a reader of streams."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from services.simulator import NoAnswerError, Pacing, Reply, running_simulator
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.simulator import Call, Simulator

TEXT = "The capital of France\nis  Paris, on the Seine. "
MODEL = "maker/steady"


def no_answer(_call: Call) -> str:
    raise NoAnswerError("nothing recorded")


@asynccontextmanager
async def scripted_simulator() -> AsyncIterator[Simulator]:
    source = ScriptedAnswers(
        {
            MODEL: Reply(text=TEXT, cost_usd=0.002),
            "assessing": lambda call: call.assessed("Paris", self_score=0.9, grades={"R1": 0.25}),
            "ignorant": no_answer,
        }
    )
    async with running_simulator(source, pacing=Pacing(slow_start_s=0.3)) as running:
        yield running


def open_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))


def request_body(model: str = MODEL, **fields: Any) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": "Where?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    } | fields


async def read_events(response: aiohttp.ClientResponse) -> list[Any]:
    """Returns the stream's events; ``[DONE]`` stays a string."""
    events: list[Any] = []
    async for line in response.content:
        if line.startswith(b"data: "):
            data = line[6:].decode().strip()
            events.append(data if data == "[DONE]" else json.loads(data))
    return events


def content_of(events: list[Any]) -> str:
    return "".join(
        choice["delta"].get("content", "")
        for event in events
        if event != "[DONE]"
        for choice in event.get("choices", [])
    )
