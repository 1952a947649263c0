"""Measures how soon models stop for a client that is gone: `python -m tests.bench.bench_cancellation`.

Gateway and router are processes of their own. Clients and models are in this one, so that one clock
sees both ends. One model stalls in the middle of its reply; then its client closes the connection. With
`--baseline`, gateway and router of another checkout are measured too, client by client in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import uvloop

from services.simulator import (
    Call,
    CallOutcome,
    CallRecord,
    FaultKind,
    Simulator,
    running_simulator,
)
from tests.bench.page_head import page_head
from tests.bench.processes import module
from tests.bench.streams import http_stream
from tests.integration.conftest import write_pool
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from tests.bench.streams import Stream

STALLS, TALKS = "stalls", "gpt-4o-mini-2024-07-18"
HERE, BASELINE = "this checkout", "another checkout"
TIMEOUT_S = 60.0
COLUMNS = """\
| others | gateway and router of | cancelled p50 ms | p90 ms | max ms | above 50 ms |
|---|---|---|---|---|---|
"""


def words(_: Call) -> str:
    """Says enough to stall in its middle."""
    return " ".join(["word"] * 50)


async def gateway(stack: AsyncExitStack, pool: str, checkout: Path | None) -> str:
    """Starts a router and a gateway, of another checkout if one is given; returns the address."""
    environment = {
        "ROUTEMOA_ROUTER_LISTEN_ADDRESS": "127.0.0.1:0",
        "ROUTEMOA_ROUTER_POOL_FILE": pool,
        "ROUTEMOA_GATEWAY_LISTEN_ADDRESS": "127.0.0.1:0",
    }
    if checkout is not None:
        folders = f"{checkout}:{checkout / 'clients/python'}"
        environment |= {"PYTHONPATH": folders, "PYTHONSAFEPATH": "1"}
    start = stack.enter_async_context
    _, router = await start(module("services.router", environment=environment))
    environment["ROUTEMOA_GATEWAY_ROUTER_ADDRESS"] = router
    _, address = await start(module("services.gateway", environment=environment))
    return address


async def cancelled_ms(simulator: Simulator, address: str) -> float:
    """Goes away in the middle of a reply; returns the time until the model's call has ended."""
    simulator.clear_calls()
    host, _, port = address.rpartition(":")
    body = {"model": STALLS, "stream": True, "messages": [{"role": "user", "content": "Legs?"}]}
    data = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(data)}\r\n"
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + data)
        await reader.readuntil(b"word")
        left_s = time.monotonic()
        writer.transport.abort()
        records = await simulator.wait_for_calls(
            lambda calls: any(map(has_stopped, calls)), timeout_s=TIMEOUT_S
        )
    return 1000 * max((call.ended_s or 0.0) - left_s for call in records if has_stopped(call))


def has_stopped(call: CallRecord) -> bool:
    """Returns whether a call is to the model that stalls, and has ended."""
    return call.model == STALLS and call.outcome is not CallOutcome.RUNNING


async def repeat(stream: Stream, is_over: asyncio.Event) -> None:
    """Repeats a stream until all is over."""
    while not is_over.is_set():
        await stream()


async def measured(arguments: argparse.Namespace) -> dict[tuple[int, str], list[float]]:
    """Returns the times of every client, by the number of others and the checkout."""
    checkouts: dict[str, Path | None] = {HERE: None}
    if arguments.baseline:
        checkouts[BASELINE] = arguments.baseline
    async with AsyncExitStack() as stack:
        scripts = dict.fromkeys((STALLS, TALKS), words)
        simulator = await stack.enter_async_context(running_simulator(ScriptedAnswers(scripts)))
        simulator.set_fault(STALLS, FaultKind.STALL)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pool = str(write_pool(folder, simulator.url, scripts, {}, None))
        addresses = {name: await gateway(stack, pool, path) for name, path in checkouts.items()}
        session = await stack.enter_async_context(aiohttp.ClientSession())
        streams = [http_stream(session, f"http://{each}/v1") for each in addresses.values()]
        found: dict[tuple[int, str], list[float]] = {}
        for others in (0, arguments.others):
            is_over = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                for stream in streams * others:
                    tasks.create_task(repeat(stream, is_over))
                for _ in range(arguments.count):
                    for name, address in addresses.items():
                        took_ms = await cancelled_ms(simulator, address)
                        found.setdefault((others, name), []).append(took_ms)
                is_over.set()
        return found


def rows(found: dict[tuple[int, str], list[float]]) -> str:
    """Returns the lines of the table."""
    lines = []
    for (others, name), times in found.items():
        cuts = statistics.quantiles(times, n=10, method="inclusive")
        lines.append(
            f"| {others} | {name} | {cuts[4]:.1f} | {cuts[8]:.1f} "
            f"| {max(times):.1f} | {sum(each > 50 for each in times)} of {len(times)} |\n"
        )
    return "".join(lines)


async def main(arguments: argparse.Namespace) -> str:
    """Measures everything and returns the report."""
    load = os.getloadavg()[0]
    found = await measured(arguments)
    head = page_head(
        "How soon a model stops for an HTTP client that is gone",
        f"""Command: `python -m tests.bench.bench_cancellation`. Setting: {os.cpu_count()} shared
        cores, load average {load:.1f}; {arguments.count} clients per row. *Others*: callers that
        stream bursts of 50 tokens meanwhile, per gateway.""",
        """*Cancelled*: time from the end of the client's connection until the model's call has
        ended.""",
    )
    return head + COLUMNS + rows(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="clients per row")
    parser.add_argument("--others", type=int, default=8, help="other callers per gateway")
    parser.add_argument("--baseline", type=Path, help="another checkout to compare with")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    report = uvloop.run(main(options))
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report)
