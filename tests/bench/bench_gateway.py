"""Measures what the gateway adds to a stream over gRPC: `python -m tests.bench.bench_gateway`.

Backend, router and gateway run as processes of their own. Each round measures all ways one after
the other, so that all meet the same machine: the same 50-token stream directly over HTTP, through the
router over gRPC, and through gateway and router over HTTP. Router and gateway run one model alone.

It takes two to four minutes, and tells on standard error how far it is.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import grpc.aio
import uvloop

from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from tests.bench.backend import MODELS
from tests.bench.bench_router import pool_file
from tests.bench.page_head import page_head
from tests.bench.processes import module, tree_cpu_s
from tests.bench.streams import Sample, http_stream, measure, routed_stream

if TYPE_CHECKING:
    from tests.bench.streams import Stream

STARTED_S = time.perf_counter()
CONCURRENCY = (1, 32)
PAIRS = 30
STREAM_TIMEOUT_S = 60.0
"""A stream that takes longer ends the benchmark, also on a busy machine."""
DIRECT, ROUTER, GATEWAY = "direct to the backend", "router, gRPC", "gateway and router, HTTP"
COLUMNS = """\
| backend | callers | path | TTFT p50 ms | added ms | p99 ms | streams/s | CPU-ms gateway | router |
|---|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to get the stream, and the processes that stand in between."""

    stream: Stream
    gateway: int | None = None
    router: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One measurement of a way, with the processor time of each process per stream."""

    sample: Sample
    gateway_ms: float
    router_ms: float


async def ways(stack: AsyncExitStack, backend_url: str) -> dict[str, Way]:
    """Starts everything that stands between client and backend."""
    start = stack.enter_async_context
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    router_environment = {
        "ROUTEMOA_ROUTER_LISTEN_ADDRESS": "127.0.0.1:0",
        "ROUTEMOA_ROUTER_POOL_FILE": pool_file(folder, backend_url),
    }
    router, address = await start(module("services.router", environment=router_environment))
    gateway_environment = {
        "ROUTEMOA_GATEWAY_LISTEN_ADDRESS": "127.0.0.1:0",
        "ROUTEMOA_GATEWAY_ROUTER_ADDRESS": address,
    }
    gateway, front = await start(module("services.gateway", environment=gateway_environment))
    stub = RouterServiceStub(await start(grpc.aio.insecure_channel(address)))
    session = await start(http_session())
    return {
        DIRECT: Way(stream=http_stream(session, backend_url)),
        ROUTER: Way(stream=routed_stream(stub, MODELS[:1], strategy="single"), router=router),
        GATEWAY: Way(
            stream=http_stream(session, f"http://{front}/v1"), gateway=gateway, router=router
        ),
    }


def http_session() -> aiohttp.ClientSession:
    """Returns a session of any number of connections."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=STREAM_TIMEOUT_S),
    )


def tell(text: str) -> None:
    """Tells how far the benchmark is."""
    sys.stderr.write(f"{time.perf_counter() - STARTED_S:4.0f} s  {text}\n")
    sys.stderr.flush()


async def cost_of(way: Way, callers: int, span_s: float) -> Cost:
    """Measures a way, and both processes apart."""
    count = 0

    async def counted() -> float:
        nonlocal count
        count += 1
        return await way.stream()

    router_s = tree_cpu_s(way.router) if way.router else 0.0
    sample = await measure(counted, pid=way.gateway, callers=callers, span_s=span_s)
    router_s = tree_cpu_s(way.router) - router_s if way.router else 0.0
    return Cost(sample=sample, gateway_ms=sample.cpu_ms, router_ms=router_s * 1000 / count)


async def added_in_turn_ms(measured: dict[str, Way], count: int) -> float:
    """Returns what the gateway adds to gRPC: the median of pairs of streams, one after the other."""
    added = []
    for _ in range(count):
        router_s = await measured[ROUTER].stream()
        added.append((await measured[GATEWAY].stream() - router_s) * 1000)
    return statistics.median(added)


async def one_pace(
    arguments: argparse.Namespace, *, paced: bool
) -> tuple[float, list[dict[tuple[str, int], Cost]]]:
    """Measures pairs and all rounds against a backend that is paced or as fast as it can be."""
    async with AsyncExitStack() as stack:
        name = "paced" if paced else "burst"
        tell(f"{name}: starting backend, router and gateway")
        options = ["--paced"] if paced else []
        _, url = await stack.enter_async_context(module("tests.bench.backend", *options))
        measured = await ways(stack, url)
        for way in measured.values():  # the first call of each opens connections
            await way.stream()
        tell(f"{name}: {PAIRS} pairs of streams in turn")
        added_ms = await added_in_turn_ms(measured, PAIRS)
        rounds = []
        for number in range(1, arguments.rounds + 1):
            tell(f"{name}: round {number} of {arguments.rounds}")
            rounds.append(await one_round(measured, arguments.span_s))
        return added_ms, rounds


async def one_round(measured: dict[str, Way], span_s: float) -> dict[tuple[str, int], Cost]:
    """Measures all ways, one after the other, with few callers and with many."""
    return {
        (name, callers): await cost_of(way, callers, span_s)
        for callers in CONCURRENCY
        for name, way in measured.items()
    }


def rows(rounds: list[dict[tuple[str, int], Cost]], pace: str) -> list[str]:
    """Returns the medians as table rows; what is added, as the median of the rounds' differences."""
    lines = []
    for name, callers in rounds[0]:
        costs = [each[name, callers] for each in rounds]
        samples = [cost.sample for cost in costs]
        base = ROUTER if name == GATEWAY else DIRECT
        added = statistics.median(
            each[name, callers].sample.ttft_p50_ms - each[base, callers].sample.ttft_p50_ms
            for each in rounds
        )
        cpu = [
            "" if name in without else f"{statistics.median(values):.2f}"
            for without, values in (
                ((DIRECT, ROUTER), [cost.gateway_ms for cost in costs]),
                ((DIRECT,), [cost.router_ms for cost in costs]),
            )
        ]
        lines.append(
            f"| {pace} | {callers} | {name} "
            f"| {statistics.median(each.ttft_p50_ms for each in samples):.2f} | {added:+.2f} "
            f"| {statistics.median(each.ttft_p99_ms for each in samples):.2f} "
            f"| {statistics.median(each.streams_per_s for each in samples):.1f} "
            f"| {cpu[0]} | {cpu[1]} |\n"
        )
    return lines


async def main(arguments: argparse.Namespace) -> str:
    """Runs everything and returns the report."""
    load = os.getloadavg()[0]
    lines: list[str] = []
    pairs: list[str] = []
    for paced in (True, False):
        pace = "paced" if paced else "burst"
        added_ms, rounds = await one_pace(arguments, paced=paced)
        pairs.append(f"{pace} {added_ms:+.2f} ms")
        lines += rows(rounds, pace)
    head = page_head(
        "Gateway: what HTTP adds to a 50-token stream",
        "How much latency and processor time does the gateway add to the router's gRPC?",
        f"""Command: `python -m tests.bench.bench_gateway`, which takes two to four minutes. Setting:
        {platform.machine()},
        {os.cpu_count()} cores, shared by client, backend, router and gateway; medians of
        {arguments.rounds} interleaved rounds of {arguments.span_s:g} s; load average {load:.1f}
        before, {os.getloadavg()[0]:.1f} after. How much runs differ:
        [serving notes](serving-notes.md#runs-differ).""",
        "*Burst*: the backend writes without pauses. *Paced*: 50 ms to the first token, 10 ms per "
        "token. *TTFT*: time to the first text, as the client sees it. *Added*: TTFT beyond gRPC for "
        "the gateway, beyond a direct call for the router.",
        f"The machine's load moves the table. Stream by stream in turn, the gateway adds to gRPC: "
        f"{', '.join(pairs)} (medians of {PAIRS} pairs, one caller).",
    )
    return head + COLUMNS + "".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--span-s", type=float, default=2.0, help="seconds per measurement")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    report = uvloop.run(main(options))
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report)
