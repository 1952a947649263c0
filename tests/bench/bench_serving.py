"""Measures what serving costs, with a model that does nothing: `python -m tests.bench.bench_serving`.

Every way to ask is measured once per round, so that all meet the same machine. No text comes twice.
The table shows the medians; processor time is that of the service's process alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from tests.bench.calls import Sample, measure, median
from tests.bench.scorer_calls import BATCH, STREAM, bulk, running_scorer, stream, unary

if TYPE_CHECKING:
    from tests.bench.calls import Call

CALLERS = 32


def text(number: int) -> str:
    """Returns a question of its own for each number."""
    return f"What is {number} times {number + 1}, and how would one work it out by hand?"


async def main(arguments: argparse.Namespace) -> str:
    """Runs the rounds and returns the report."""
    async with running_scorer("tests.bench.noop_scorer") as (pid, stubs):
        ways: dict[str, tuple[Call, int, int]] = {
            "RankModels, 1 caller": (unary(stubs, text), 1, 1),
            f"RankModels, {CALLERS} callers": (unary(stubs, text), 1, CALLERS),
            f"BatchRankModels of {BATCH}, 1 caller": (bulk(stubs[0], text), BATCH, 1),
            f"StreamRankModels of {STREAM}, 1 caller": (stream(stubs[0], text), STREAM, 1),
        }
        rounds: list[dict[str, Sample]] = []
        for _ in range(arguments.rounds):
            rounds.append({})
            for name, (call, queries, callers) in ways.items():
                rounds[-1][name] = await measure(
                    call, pid=pid, queries=queries, callers=callers, span_s=arguments.span_s
                )
    heading = (
        "# What serving costs\n\n`python -m tests.bench.bench_serving`: the scorer service with a "
        f"model that does nothing, without its cache; {platform.machine()}, {os.cpu_count()} cores "
        f"shared with the client; medians of {arguments.rounds} interleaved rounds of "
        f"{arguments.span_s:g} s each; load average {os.getloadavg()[1]:.1f}\n\n"
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
