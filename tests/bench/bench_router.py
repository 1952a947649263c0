"""Measures what the router adds to calling a backend directly: `python -m tests.bench.bench_router`.

Backend, scorer and router run as processes of their own. Each round measures, one after the other, the
same 50-token stream directly over HTTP, through the router with one eligible model (nothing to score),
and through the router with the scorer ranking two models, so that all meet the same machine. The table
shows the median of the rounds. The client's own work is in every wall time: it is the same program.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import grpc.aio
import uvloop

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from services.router.wire.sse import SseDecoder
from tests.bench.backend import MODELS
from tests.bench.bench_scorer import cpu_s

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

CONCURRENCY = (1, 32)
QUERY = "How many legs does a spider have, and why that many?"
DIRECT, PASS_THROUGH, SCORED = "direct to the backend", "router, one model", "router, scored"


HEAD = """\
# Router overhead on 50-token streams

{machine}, shared by client, backend, router and scorer; median of {rounds} rounds of {span_s:g} s each,
interleaved. Burst: the backend writes as fast as it can. Paced: 50 ms to the first token, 10 ms per
token. TTFT is the time to the first text, as the client sees it; `added` is what the way costs over
calling the backend directly. `python -m tests.bench.bench_router`

| backend | callers | way | TTFT p50 ms | added | TTFT p99 ms | streams/s | router CPU-ms |
|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement of one way to get a stream."""

    ttft_p50_ms: float
    ttft_p99_ms: float
    streams_per_s: float
    router_cpu_ms: float


async def measure(
    stream: Callable[[], Awaitable[float]], *, router_pid: int, callers: int, span_s: float
) -> Sample:
    """Has callers repeat a stream for a time."""
    ttfts_ms: list[float] = []
    started_s, cpu_before_s = time.perf_counter(), cpu_s(router_pid)

    async def repeat() -> None:
        while time.perf_counter() < started_s + span_s:
            ttfts_ms.append(await stream() * 1000)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(repeat())
    spent_s, cpu_spent_s = time.perf_counter() - started_s, cpu_s(router_pid) - cpu_before_s
    cuts = statistics.quantiles(ttfts_ms, n=100)
    return Sample(
        ttft_p50_ms=cuts[49],
        ttft_p99_ms=cuts[98],
        streams_per_s=len(ttfts_ms) / spent_s,
        router_cpu_ms=cpu_spent_s * 1000 / len(ttfts_ms),
    )


def direct_stream(session: aiohttp.ClientSession, url: str) -> Callable[[], Awaitable[float]]:
    """Returns a stream straight from the backend."""
    body = {
        "model": MODELS[0],
        "messages": [{"role": "user", "content": QUERY}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 512,
    }

    async def run() -> float:
        started_s, first_s = time.perf_counter(), 0.0
        decoder = SseDecoder()
        async with session.post(f"{url}/chat/completions", json=body) as response:
            async for data in response.content.iter_any():
                for event in decoder.feed(data):
                    if event == "[DONE]":
                        continue
                    choices = json.loads(event)["choices"]
                    if not first_s and choices and choices[0]["delta"].get("content"):
                        first_s = time.perf_counter() - started_s
        return first_s

    return run


def routed_stream(
    stub: RouterServiceStub, model_ids: tuple[str, ...]
) -> Callable[[], Awaitable[float]]:
    """Returns a stream through the router, from one model of those given."""
    request = pb.StreamAnswerRequest(
        messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY)],
        policy=pb.RoutingPolicy(model_ids=model_ids, max_layer_model_count=1, max_layer_count=1),
    )

    async def run() -> float:
        started_s, first_s = time.perf_counter(), 0.0
        async for event in stub.StreamAnswer(request, timeout=60):
            if not first_s and event.HasField("delta"):
                first_s = time.perf_counter() - started_s
        return first_s

    return run


@asynccontextmanager
async def process(
    *arguments: str, environment: Mapping[str, str]
) -> AsyncIterator[tuple[int, str]]:
    """Runs a module that says where it listens; yields its process id and address."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    if arguments[0] == "tests.bench.backend":
        address = (await child.stdout.readline()).decode().strip()
    else:
        while (event := json.loads(await child.stderr.readline()))["event"] != "listening":
            pass
        address = event["address"]
    rest = asyncio.create_task(child.stderr.read())
    try:
        yield child.pid, address
    finally:
        child.terminate()
        await child.wait()
        await rest


def pool_file(folder: str, url: str) -> str:
    """Writes the pool of the backend's models."""
    models = "".join(
        f"  - id: {model}\n    url: {url}\n    prompt_price_usd_per_million_tokens: 0.1\n"
        "    completion_price_usd_per_million_tokens: 0.4\n    context_window_tokens: 8192\n"
        for model in MODELS
    )
    path = Path(folder) / "pool.yaml"
    path.write_text(f"models:\n{models}")
    return str(path)


async def one_pace(
    arguments: argparse.Namespace, *, paced: bool
) -> list[dict[tuple[str, int], Sample]]:
    """Measures all rounds against a backend that is paced or as fast as it can be."""
    async with AsyncExitStack() as stack:
        start = stack.enter_async_context
        _, url = await start(
            process("tests.bench.backend", *(["--paced"] if paced else []), environment={})
        )
        scorer_environment = {"ROUTEMOA_SCORER_LISTEN_ADDRESS": "127.0.0.1:0"}
        _, scorer = await start(process("services.scorer", environment=scorer_environment))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        router_environment = {
            "ROUTEMOA_ROUTER_LISTEN_ADDRESS": "127.0.0.1:0",
            "ROUTEMOA_ROUTER_POOL_FILE": pool_file(folder, url),
            "ROUTEMOA_ROUTER_SCORER_ADDRESS": scorer,
        }
        pid, address = await start(process("services.router", environment=router_environment))
        channel = await start(grpc.aio.insecure_channel(address))
        session = await start(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        stub = RouterServiceStub(channel)
        ways = {
            DIRECT: direct_stream(session, url),
            PASS_THROUGH: routed_stream(stub, MODELS[:1]),
            SCORED: routed_stream(stub, MODELS),
        }
        for stream in ways.values():  # the first call of each opens connections
            await stream()
        return [
            {
                (name, callers): await measure(
                    stream, router_pid=pid, callers=callers, span_s=arguments.span_s
                )
                for callers in CONCURRENCY
                for name, stream in ways.items()
            }
            for _ in range(arguments.rounds)
        ]


def rows(rounds: list[dict[tuple[str, int], Sample]], pace: str) -> list[str]:
    """Returns the medians as table rows."""

    def median(key: tuple[str, int], column: str) -> float:
        return float(statistics.median(getattr(sample[key], column) for sample in rounds))

    lines = []
    for name, callers in rounds[0]:
        key = (name, callers)
        added = median(key, "ttft_p50_ms") - median((DIRECT, callers), "ttft_p50_ms")
        cpu = "" if name == DIRECT else f"{median(key, 'router_cpu_ms'):.2f}"
        lines.append(
            f"| {pace} | {callers} | {name} | {median(key, 'ttft_p50_ms'):.2f} | {added:+.2f} "
            f"| {median(key, 'ttft_p99_ms'):.2f} | {median(key, 'streams_per_s'):.0f} | {cpu} |"
        )
    return lines


async def main(arguments: argparse.Namespace) -> str:
    """Runs everything and returns the report."""
    lines = [
        HEAD.format(
            machine=f"{platform.machine()}, {os.cpu_count()} cores",
            rounds=arguments.rounds,
            span_s=arguments.span_s,
        )
    ]
    for paced in (False, True):
        lines += rows(await one_pace(arguments, paced=paced), "paced" if paced else "burst")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--span-s", type=float, default=2.0, help="seconds per measurement")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    report = uvloop.run(main(options))
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report)
