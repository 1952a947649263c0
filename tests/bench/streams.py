"""One stream of text, over plain HTTP or through the router, and what many of them cost."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.router.backends.http.decoders import SseDecoder
from tests.bench.backend import MODELS
from tests.bench.processes import tree_cpu_s

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import aiohttp

    from routemoa.v1.router_service_pb2_grpc import RouterServiceStub

    Stream = Callable[[], Awaitable[float]]
    """Runs one stream to its end; returns the time to its first text, in seconds."""

QUERY = "How many legs does a spider have, and why that many?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement of one way to get a stream."""

    ttft_p50_ms: float
    ttft_p99_ms: float
    streams_per_s: float
    cpu_ms: float
    """Processor time of what stands between client and backend, per stream."""


async def measure(stream: Stream, *, pid: int | None, callers: int, span_s: float) -> Sample:
    """Has callers repeat a stream for a time; `pid` is what stands in between, if anything."""
    ttfts_ms: list[float] = []
    started_s, cpu_before_s = time.perf_counter(), tree_cpu_s(pid) if pid else 0.0

    async def repeat() -> None:
        while time.perf_counter() < started_s + span_s:
            ttfts_ms.append(await stream() * 1000)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(repeat())
    spent_s = time.perf_counter() - started_s
    cpu_spent_s = tree_cpu_s(pid) - cpu_before_s if pid else 0.0
    cuts = statistics.quantiles(ttfts_ms, n=100) if len(ttfts_ms) > 1 else ttfts_ms * 99
    return Sample(
        ttft_p50_ms=cuts[49],
        ttft_p99_ms=cuts[98],
        streams_per_s=len(ttfts_ms) / spent_s,
        cpu_ms=cpu_spent_s * 1000 / len(ttfts_ms),
    )


def http_stream(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str] | None = None
) -> Stream:
    """Returns a stream from an OpenAI-compatible server: the backend itself, or a peer before it.

    A stream that is not whole raises, so that no way is fast by failing.
    """
    body = {
        "model": MODELS[0],
        "messages": [{"role": "user", "content": QUERY}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 512,
    }

    async def run() -> float:
        started_s, first_s, is_whole = time.perf_counter(), 0.0, False
        decoder = SseDecoder()
        async with session.post(f"{url}/chat/completions", json=body, headers=headers) as response:
            response.raise_for_status()
            async for data in response.content.iter_any():
                for event in decoder.feed(data):
                    if event == "[DONE]":
                        is_whole = True
                        continue
                    choices = json.loads(event)["choices"]
                    if not first_s and choices and choices[0]["delta"].get("content"):
                        first_s = time.perf_counter() - started_s
        if not first_s or not is_whole:
            raise RuntimeError(f"{url} broke a stream off")
        return first_s

    return run


def routed_stream(
    stub: RouterServiceStub, model_ids: tuple[str, ...], *, strategy: str = ""
) -> Stream:
    """Returns a stream through the router, from one model of those given."""
    request = pb.StreamAnswerRequest(
        messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY)],
        policy=pb.RoutingPolicy(
            model_ids=model_ids, max_layer_model_count=1, max_layer_count=1, strategy=strategy
        ),
    )

    async def run() -> float:
        started_s, first_s, is_whole = time.perf_counter(), 0.0, False
        async for event in stub.StreamAnswer(request, timeout=60):
            if not first_s and event.HasField("delta"):
                first_s = time.perf_counter() - started_s
            is_whole = event.HasField("result")
        if not first_s or not is_whole:
            raise RuntimeError("the router broke a stream off")
        return first_s

    return run
