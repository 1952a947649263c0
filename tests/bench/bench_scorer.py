"""Measures the scorer service beside its model in process: `python -m tests.bench.bench_scorer --help`.

The services run as their own processes. Each round measures, one after the other, the model in this
process and the services with the same queries, so that all meet the same machine. The table shows the
medians. Services have no cache, but for the one whose row says so.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from scorer import Runtime, default_artifact_path, load_artifact
from tests.bench.calls import Sample, measure, median
from tests.bench.page_head import page_head
from tests.bench.processor import processor
from tests.bench.scorer_calls import BATCH, STREAM, bulk, running_scorer, stream, unary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
    from tests.bench.calls import Call
    from tests.bench.scorer_calls import Text

TOKENS = (17, 64)
CALLERS = 32
REST_S = 0.002
"""About as long as a lone caller of the service leaves the model alone between two queries. A processor
that rested is slower at first."""
BASE = default_artifact_path().parent / "base"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to have queries scored."""

    name: str
    call: Call
    pid: int
    queries: int = 1
    callers: int = 1
    rest_s: float = 0.0
    """Pause before each call."""
    is_ceiling: bool = False
    """Whether the rows after it are compared with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What runs: process id and connections of each service."""

    base: tuple[int, list[ScorerServiceStub]]
    remembering: tuple[int, list[ScorerServiceStub]]
    edge: tuple[int, list[ScorerServiceStub]]
    edge_of_two: tuple[int, list[ScorerServiceStub]]

    @classmethod
    async def started(cls, stack: AsyncExitStack) -> Services:
        """Starts all of them."""
        base = {"ARTIFACT": str(BASE)}
        start = stack.enter_async_context
        return cls(
            base=await start(running_scorer(**base)),
            remembering=await start(running_scorer(CACHE_QUERIES="1000", **base)),
            edge=await start(running_scorer()),
            edge_of_two=await start(running_scorer(WORKERS="2")),
        )


def text_of(runtime: Runtime, tokens: int) -> str:
    """Returns a text of exactly so many tokens."""
    text = "Why"
    while len(runtime.tokenize(text).ids) < tokens:
        text += " is"
    return text


def ways_of(services: Services, base: Runtime, edge: Runtime, text: str) -> list[Way]:
    """Returns what is measured with one text; each ceiling comes before what it limits."""

    def same(number: int) -> str:  # no cache, so it may come again
        return text

    pid, stubs = services.base
    return [
        dataclasses.replace(
            in_process(f"in process, 1, {REST_S * 1000:g} ms after the last", base, text, 1),
            rest_s=REST_S,
        ),
        in_process("in process, 1", base, text, 1),
        Way(name="RankModels, 1 caller", call=unary(stubs, same), pid=pid),
        in_process(f"in process, {CALLERS}", base, text, CALLERS),
        many("RankModels", services.base, same),
        in_process(f"in process, {BATCH}", base, text, BATCH),
        Way(name=f"BatchRankModels of {BATCH}", call=bulk(stubs[0], same), pid=pid, queries=BATCH),
        Way(
            name=f"StreamRankModels of {STREAM}",
            call=stream(stubs[0], same),
            pid=pid,
            queries=STREAM,
        ),
        many("RankModels, all cached", services.remembering, same),
        in_process("edge in process, 1", edge, text, 1),
        Way(
            name="edge RankModels, 1 caller",
            call=unary(services.edge[1], same),
            pid=services.edge[0],
        ),
        in_process(f"edge in process, {CALLERS}", edge, text, CALLERS),
        many("edge RankModels", services.edge, same),
        many("edge RankModels, 2 workers", services.edge_of_two, same),
    ]


def in_process(name: str, runtime: Runtime, text: str, count: int) -> Way:
    """Returns the bare model: tokenize and run, with nothing in between."""

    async def call(number: int) -> None:  # all are alike
        runtime.score([runtime.tokenize(text) for _ in range(count)])

    return Way(name=name, call=call, pid=os.getpid(), queries=count, is_ceiling=True)


def many(name: str, service: tuple[int, list[ScorerServiceStub]], text: Text) -> Way:
    """Returns calls of one query by many callers."""
    pid, stubs = service
    call = unary(stubs, text)
    return Way(name=f"{name}, {CALLERS} callers", call=call, pid=pid, callers=CALLERS)


def table(samples: dict[int, list[tuple[Way, list[Sample]]]]) -> str:
    """Returns the medians as a Markdown table."""
    lines = [
        "| tokens | what | queries/s | p50 ms | p99 ms | CPU ms/query | of in process |",
        "|---|---|---|---|---|---|---|",
    ]
    for tokens, ways in samples.items():
        ceiling = 1.0
        for way, each in ways:
            row = median(each)
            share = "" if way.is_ceiling else f"{row.queries_per_s / ceiling:.2f}"
            ceiling = row.queries_per_s if way.is_ceiling else ceiling
            lines.append(
                f"| {tokens} | {way.name} | {row.queries_per_s:.0f} | {row.p50_ms:.2f} | "
                f"{row.p99_ms:.2f} | {row.cpu_ms_per_query:.2f} | {share} |"
            )
    return "\n".join(lines) + "\n"


async def measured(ways: Sequence[tuple[Way, list[Sample]]], span_s: float) -> None:
    """Adds a sample of each way."""
    for way, samples in ways:
        sample = await measure(
            way.call,
            pid=way.pid,
            queries=way.queries,
            callers=way.callers,
            span_s=span_s,
            rest_s=way.rest_s,
        )
        samples.append(sample)


async def main(arguments: argparse.Namespace) -> str:
    """Runs the rounds and returns the report."""
    base, edge = (Runtime.open(load_artifact(path)) for path in (BASE, default_artifact_path()))
    async with AsyncExitStack() as stack:
        services = await Services.started(stack)
        samples: dict[int, list[tuple[Way, list[Sample]]]] = {
            tokens: [(way, []) for way in ways_of(services, base, edge, text_of(base, tokens))]
            for tokens in TOKENS
        }
        for _ in range(arguments.rounds):
            for ways in samples.values():
                await measured(ways, arguments.span_s)
    heading = page_head(
        "The scorer service beside its model in process",
        "How much of the speed of the bare model does the service keep?",
        f"""Command: `python -m tests.bench.bench_scorer`. Setting: {base.version} and {edge.version},
        {processor()}, {os.cpu_count()} cores shared with the client; medians of
        {arguments.rounds} interleaved rounds of {arguments.span_s:g} s; load average
        {os.getloadavg()[1]:.1f}. How much runs differ:
        [serving notes](serving-notes.md#runs-differ).""",
        f"""*Of in process* is the throughput divided by that of the model in process with as many
        queries at once. *2 ms after the last* asks the model in process after a pause of
        {REST_S * 1000:g} ms, as a lone caller of the service does: a processor that rested is slow
        at first.""",
    )
    return heading + table(samples)


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
