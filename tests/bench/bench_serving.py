"""Measures what serving costs, with a model that does nothing: `python -m tests.bench.bench_serving`.

gRPC alone, with nothing behind it, is what no service can undercut. Every way to ask is measured once
per round, so that all meet the same machine. No text comes twice. The table shows the medians;
processor time is that of the service's process alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from tests.bench.calls import Sample, measure, median
from tests.bench.page_head import page_head
from tests.bench.processes import module
from tests.bench.processor import processor
from tests.bench.scorer_calls import (
    BATCH,
    STREAM,
    bulk,
    connected,
    occupied,
    refused,
    running_scorer,
    stream,
    unary,
)

if TYPE_CHECKING:
    from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
    from tests.bench.calls import Call

CALLERS = 32
SCORER = "tests.bench.noop_scorer"


def text(number: int) -> str:
    """Returns a question of its own for each number."""
    return f"What is {number} times {number + 1}, and how would one work it out by hand?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to ask one process."""

    pid: int
    call: Call
    queries: int = 1
    callers: int = 1


async def started(stack: AsyncExitStack) -> dict[str, Way]:
    """Starts what is measured, and returns the ways to ask it by name."""
    pid, stubs = await stack.enter_async_context(running_scorer(SCORER))
    full = {"MAX_CONCURRENT_CALLS": "1"}
    full_pid, full_stubs = await stack.enter_async_context(running_scorer(SCORER, **full))
    await stack.enter_async_context(occupied(full_stubs[0]))
    bare_pid, bare = await bare_grpc(stack)
    refusing_pid, refusing = await bare_grpc(stack, "--refuse")
    many = f"{CALLERS} callers"
    return {
        "RankModels, 1 caller": Way(pid=pid, call=unary(stubs, text)),
        f"RankModels, {many}": Way(pid=pid, call=unary(stubs, text), callers=CALLERS),
        f"RankModels, gRPC alone, {many}": Way(
            pid=bare_pid, call=unary([bare], text), callers=CALLERS
        ),
        f"BatchRankModels of {BATCH}, 1 caller": Way(
            pid=pid, call=bulk(stubs[0], text), queries=BATCH
        ),
        f"StreamRankModels of {STREAM}, 1 caller": Way(
            pid=pid, call=stream(stubs[0], text), queries=STREAM
        ),
        f"StreamRankModels of {STREAM}, gRPC alone, 1 caller": Way(
            pid=bare_pid, call=stream(bare, text), queries=STREAM
        ),
        f"RankModels, shed, {many}": Way(
            pid=full_pid, call=refused(full_stubs[0], text), callers=CALLERS
        ),
        f"RankModels, shed, gRPC alone, {many}": Way(
            pid=refusing_pid, call=refused(refusing, text), callers=CALLERS
        ),
    }


async def bare_grpc(stack: AsyncExitStack, *arguments: str) -> tuple[int, ScorerServiceStub]:
    """Starts gRPC with nothing behind it; returns process id and stub."""
    pid, address = await stack.enter_async_context(module("tests.bench.bare_grpc", *arguments))
    (stub,) = await stack.enter_async_context(connected(address))
    return pid, stub


async def main(arguments: argparse.Namespace) -> str:
    """Runs the rounds and returns the report."""
    async with AsyncExitStack() as stack:
        ways = await started(stack)
        rounds: list[dict[str, Sample]] = []
        for _ in range(arguments.rounds):
            rounds.append({})
            for name, way in ways.items():
                rounds[-1][name] = await measure(
                    way.call,
                    pid=way.pid,
                    queries=way.queries,
                    callers=way.callers,
                    span_s=arguments.span_s,
                )
    heading = page_head(
        "The cost of serving alone",
        "How much processor time does the scorer service take beside its model?",
        f"""Command: `python -m tests.bench.bench_serving`. Setting: the scorer service with a model
        that does nothing, and without its cache; {processor()}, {os.cpu_count()} cores shared
        with the client; medians of {arguments.rounds} interleaved rounds of {arguments.span_s:g} s;
        load average {os.getloadavg()[1]:.1f}. How much runs differ:
        [serving notes](serving-notes.md#runs-differ).""",
        """*gRPC alone* is a service of the same shape whose handlers do nothing
        (`tests/bench/bare_grpc.py`). The difference to it is the cost of our own code.""",
    )
    return heading + table(rounds)


def table(rounds: list[dict[str, Sample]]) -> str:
    """Returns the medians as a Markdown table."""
    lines = [
        "| what | queries/s | p50 ms per call | p99 ms per call | server CPU ms/query |",
        "|---|---|---|---|---|",
    ]
    for name in rounds[0]:
        row = median([each[name] for each in rounds])
        lines.append(
            f"| {name} | {row.queries_per_s:.0f} | {row.p50_ms:.2f} | {row.p99_ms:.2f} | "
            f"{row.cpu_ms_per_query:.3f} |"
        )
    return "\n".join(lines) + "\n"


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--span-s", type=float, default=2.0, help="seconds per measurement")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    return parser.parse_args()


if __name__ == "__main__":
    options = parse_arguments()
    report = uvloop.run(main(options))
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")
