"""Measures what traces cost the router: `python -m tests.bench.bench_tracing`.

The same burst of a 50-token stream goes through routers that differ in their tracing alone: off, a
tenth of the answers, all of them. With `--baseline` there is one more, of another checkout. Each round
measures all of them one after the other, so that all meet the same machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import grpc.aio
import uvloop

from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from tests.bench.backend import MODELS
from tests.bench.bench_router import Way, pool_file
from tests.bench.processes import module
from tests.bench.streams import measure, routed_stream
from tests.tracing.receivers import running_receiver

if TYPE_CHECKING:
    from collections.abc import Mapping

CALLERS = 16
BASELINE, OFF, TENTH, ALL = "another checkout", "off", "a tenth of the answers", "all answers"

HEAD = """\
# What traces cost the router

Command: `python -m tests.bench.bench_tracing{arguments}`. Setting: {machine}; {callers} callers of a
burst of 50 tokens by `single`, {rounds} interleaved rounds of {span_s:g} s; load average {load}
before, {load_after} after. CPU is that of the router, with the export of its spans.

| tracing | CPU-ms per stream, median | lowest | highest | ratio to off, median of rounds |
|---|---|---|---|---|
"""


def variants(endpoint: str, baseline: Path | None) -> dict[str, Mapping[str, str]]:
    """Returns the environment of each router."""
    on = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_TRACES_SAMPLER": "traceidratio"}
    found: dict[str, Mapping[str, str]] = {
        OFF: {"OTEL_SDK_DISABLED": "true"},
        TENTH: on | {"OTEL_TRACES_SAMPLER_ARG": "0.1"},
        ALL: on | {"OTEL_TRACES_SAMPLER_ARG": "1.0"},
    }
    if baseline is not None:
        folders = f"{baseline}:{baseline / 'clients/python'}"
        found[BASELINE] = {"PYTHONPATH": folders, "PYTHONSAFEPATH": "1"}
    return found


async def measured(arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Returns the processor time per stream of every round, by variant, in milliseconds."""
    async with AsyncExitStack() as stack:
        start = stack.enter_async_context
        endpoint, received = await start(running_receiver())
        _, backend = await start(module("tests.bench.backend"))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        pool = pool_file(folder, backend)
        ways = {}
        for name, variables in variants(endpoint, arguments.baseline).items():
            environment = {
                "ROUTEMOA_ROUTER_LISTEN_ADDRESS": "127.0.0.1:0",
                "ROUTEMOA_ROUTER_POOL_FILE": pool,
                **variables,
            }
            pid, address = await start(module("services.router", environment=environment))
            stub = RouterServiceStub(await start(grpc.aio.insecure_channel(address)))
            stream = routed_stream(stub, MODELS[:1], strategy="single")
            ways[name] = Way(stream=stream, pid=pid)
            await stream()
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(arguments.rounds):
            for name, way in ways.items():
                sample = await measure(
                    way.stream, pid=way.pid, callers=CALLERS, span_s=arguments.span_s
                )
                found[name].append(sample.cpu_ms)
            received.spans.clear()
        return found


async def main(arguments: argparse.Namespace) -> str:
    """Runs everything and returns the report."""
    load = os.getloadavg()[0]
    found = await measured(arguments)
    lines = []
    for name, values in found.items():
        ratios = [value / off for value, off in zip(values, found[OFF], strict=True)]
        lines.append(
            f"| {name} | {statistics.median(values):.2f} | {min(values):.2f} | {max(values):.2f} "
            f"| {statistics.median(ratios):.3f} |\n"
        )
    head = HEAD.format(
        arguments=f" --baseline {arguments.baseline.name}" if arguments.baseline else "",
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        callers=CALLERS,
        rounds=arguments.rounds,
        span_s=arguments.span_s,
        load=f"{load:.1f}",
        load_after=f"{os.getloadavg()[0]:.1f}",
    )
    return head + "".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--span-s", type=float, default=3.0, help="seconds per measurement")
    parser.add_argument("--baseline", type=Path, help="another checkout to compare with")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    report = uvloop.run(main(options))
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report)
