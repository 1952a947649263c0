"""Measures what the router adds to calling a backend directly: `python -m tests.bench.bench_router`.

Backend, scorer, router and, with `--peers`, other projects' routers run as processes of their own. Each
round measures all ways one after the other, so that all meet the same machine: the same 50-token stream
directly over HTTP, through the router with one eligible model (nothing to score), through the router
with the scorer ranking two models, and through each peer. The table shows the median of the rounds. The
client's own work is in every wall time: it is the same program.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import grpc.aio
import uvloop

from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from tests.bench.backend import MODELS
from tests.bench.peers.routers import PEERS, running_peer
from tests.bench.processes import module
from tests.bench.streams import Sample, http_stream, measure, routed_stream

if TYPE_CHECKING:
    from tests.bench.streams import Stream

CONCURRENCY = (1, 32)
DIRECT, PASS_THROUGH, SCORED = "direct to the backend", "router, one model", "router, scored"

HEAD = """\
# Pass-through: what a router adds to a 50-token stream

How much latency and processor time does the router add, beside other routers and no router?

Command: `python -m tests.bench.bench_router{arguments}`. Setting: {machine}, shared by client,
backend and routers; medians of {rounds} interleaved rounds of {span_s:g} s; load average {load}
before, {load_after} after. How much runs differ: [serving notes](serving-notes.md#runs-differ).

- *Burst*: the backend writes without pauses. *Paced*: 50 ms to the first token, 10 ms per token.
- *TTFT*: time to the first text, as the client sees it. *Added*: TTFT beyond a direct call.
- *CPU*: of the router alone, without backend, client and scorer.

| backend | callers | path | TTFT p50 ms | added ms | TTFT p99 ms | streams/s | CPU-ms per stream |
|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to get the stream, and the process that stands in between."""

    stream: Stream
    pid: int | None


async def ways(stack: AsyncExitStack, backend_url: str, peers: Path | None) -> dict[str, Way]:
    """Starts everything that stands between client and backend."""
    start = stack.enter_async_context
    scorer_environment = {"ROUTEMOA_SCORER_LISTEN_ADDRESS": "127.0.0.1:0"}
    _, scorer = await start(module("services.scorer", environment=scorer_environment))
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    router_environment = {
        "ROUTEMOA_ROUTER_LISTEN_ADDRESS": "127.0.0.1:0",
        "ROUTEMOA_ROUTER_POOL_FILE": pool_file(folder, backend_url),
        "ROUTEMOA_ROUTER_SCORER_ADDRESS": scorer,
    }
    pid, address = await start(module("services.router", environment=router_environment))
    stub = RouterServiceStub(await start(grpc.aio.insecure_channel(address)))
    session = await start(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    found = {
        DIRECT: Way(stream=http_stream(session, backend_url), pid=None),
        PASS_THROUGH: Way(stream=routed_stream(stub, MODELS[:1]), pid=pid),
        SCORED: Way(stream=routed_stream(stub, MODELS), pid=pid),
    }
    for peer in PEERS if peers else ():
        assert peers is not None
        running = await start(running_peer(peer, peers, backend_url))
        stream = http_stream(session, running.url, running.headers)
        found[peer.package] = Way(stream=stream, pid=running.pid)
    return found


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
        pace = ["--paced"] if paced else []
        _, url = await stack.enter_async_context(module("tests.bench.backend", *pace))
        measured = await ways(stack, url, arguments.peers)
        for way in measured.values():  # the first call of each opens connections
            await way.stream()
        return [
            {
                (name, callers): await measure(
                    way.stream, pid=way.pid, callers=callers, span_s=arguments.span_s
                )
                for callers in CONCURRENCY
                for name, way in measured.items()
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
        cpu = "" if name == DIRECT else f"{median(key, 'cpu_ms'):.2f}"
        lines.append(
            f"| {pace} | {callers} | {name} | {median(key, 'ttft_p50_ms'):.2f} | {added:+.2f} "
            f"| {median(key, 'ttft_p99_ms'):.2f} | {median(key, 'streams_per_s'):.1f} | {cpu} |\n"
        )
    return lines


async def main(arguments: argparse.Namespace) -> str:
    """Runs everything and returns the report."""
    load = os.getloadavg()[0]
    lines: list[str] = []
    for paced in (False, True):
        lines += rows(await one_pace(arguments, paced=paced), "paced" if paced else "burst")
    head = HEAD.format(
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        rounds=arguments.rounds,
        span_s=arguments.span_s,
        load=f"{load:.1f}",
        load_after=f"{os.getloadavg()[0]:.1f}",
        arguments=" --peers .venv-peers" if arguments.peers else "",
    )
    return head + "".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--span-s", type=float, default=2.0, help="seconds per measurement")
    parser.add_argument("--peers", type=Path, help="folder of the peers' virtual environments")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    report = uvloop.run(main(options))
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report)
