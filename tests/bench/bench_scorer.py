"""Measures the scorer service beside the bare runtime: `python -m tests.bench.bench_scorer --help`.

The service runs as its own process. Each round measures, one after the other, the runtime in this
process and the service with the same queries, so that both meet the same machine. The table shows the
median of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc.aio
import uvloop

from routemoa.v1.scorer_service_pb2 import BatchRankModelsRequest, RankModelsRequest
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from scorer import Runtime, default_artifact_path, load_artifact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

TOKENS = (17, 64)
BATCH = 16
CONCURRENCY = 32
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement of one way to score."""

    queries_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms_per_query: float


def cpu_s(pid: int) -> float:
    """Returns the processor time that a process has used, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


async def measure(
    call: Callable[[], Awaitable[object]], *, pid: int, queries: int, callers: int, span_s: float
) -> Sample:
    """Has callers repeat a call of some queries for a time."""
    latencies_ms: list[float] = []
    end_s = time.perf_counter() + span_s

    async def repeat() -> None:
        while (started_s := time.perf_counter()) < end_s:
            await call()
            latencies_ms.append((time.perf_counter() - started_s) * 1000)

    started_s, cpu_before_s = time.perf_counter(), cpu_s(pid)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(repeat())
    spent_s, cpu_spent_s = time.perf_counter() - started_s, cpu_s(pid) - cpu_before_s
    count = len(latencies_ms) * queries
    cuts = statistics.quantiles(latencies_ms, n=100) if len(latencies_ms) > 1 else latencies_ms * 99
    return Sample(
        queries_per_s=count / spent_s,
        p50_ms=cuts[49],
        p99_ms=cuts[98],
        cpu_ms_per_query=cpu_spent_s * 1000 / count,
    )


def text_of(runtime: Runtime, tokens: int) -> str:
    """Returns a text of exactly so many tokens."""
    text = "Why"
    while len(runtime.tokenize(text).ids) < tokens:
        text += " is"
    return text


async def one_round(
    stub: ScorerServiceStub, server_pid: int, runtime: Runtime, tokens: int, span_s: float
) -> dict[str, Sample]:
    """Measures everything once for one length of query."""
    text = text_of(runtime, tokens)
    query = runtime.tokenize(text)
    unary = RankModelsRequest(query=text)
    batch = BatchRankModelsRequest(requests=[unary] * BATCH)

    async def bare(count: int) -> Sample:
        async def call() -> None:
            runtime.score([query] * count)

        return await measure(call, pid=os.getpid(), queries=count, callers=1, span_s=span_s)

    async def served(call: Callable[[], Awaitable[object]], queries: int, callers: int) -> Sample:
        return await measure(call, pid=server_pid, queries=queries, callers=callers, span_s=span_s)

    return {
        "session.run, 1": await bare(1),
        "RankModels, 1 caller": await served(lambda: stub.RankModels(unary), 1, 1),
        f"session.run, {CONCURRENCY}": await bare(CONCURRENCY),
        f"RankModels, {CONCURRENCY} callers": await served(
            lambda: stub.RankModels(unary), 1, CONCURRENCY
        ),
        f"session.run, {BATCH}": await bare(BATCH),
        f"BatchRankModels of {BATCH}, 1 caller": await served(
            lambda: stub.BatchRankModels(batch), BATCH, 1
        ),
    }


def table(rounds: dict[int, list[dict[str, Sample]]]) -> str:
    """Returns the medians as a Markdown table."""
    lines = [
        "| tokens | what | queries/s | p50 ms | p99 ms | CPU ms/query | of session.run |",
        "|---|---|---|---|---|---|---|",
    ]
    for tokens, samples in rounds.items():
        ceiling = 1.0
        for name in samples[0]:
            rates = [sample[name].queries_per_s for sample in samples]
            rate = statistics.median(rates)
            ceiling, share = (rate, "") if "session" in name else (ceiling, f"{rate / ceiling:.2f}")
            columns = (
                f"{statistics.median([getattr(sample[name], column) for sample in samples]):.2f}"
                for column in ("p50_ms", "p99_ms", "cpu_ms_per_query")
            )
            lines.append(f"| {tokens} | {name} | {rate:.0f} | {' | '.join(columns)} | {share} |")
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def server() -> AsyncIterator[tuple[int, str]]:
    """Starts the service; yields its process id and address."""
    environment = os.environ | {"ROUTEMOA_SCORER_LISTEN_ADDRESS": "127.0.0.1:0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.scorer",
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    while (fields := json.loads(await process.stderr.readline()))["event"] != "listening":
        pass
    stderr = process.stderr

    async def discard() -> None:
        while await stderr.read(65536):
            pass

    reader = asyncio.create_task(discard())
    try:
        yield process.pid, fields["address"]
    finally:
        process.terminate()
        await process.wait()
        await reader


async def main(arguments: argparse.Namespace) -> str:
    """Runs the rounds and returns the report."""
    runtime = Runtime.open(load_artifact(default_artifact_path()))
    rounds: dict[int, list[dict[str, Sample]]] = {tokens: [] for tokens in TOKENS}
    async with server() as (pid, address), grpc.aio.insecure_channel(address) as channel:
        stub = ScorerServiceStub(channel)
        for _ in range(arguments.rounds):
            for tokens, samples in rounds.items():
                samples.append(await one_round(stub, pid, runtime, tokens, arguments.span_s))
    heading = (
        "# Scorer service beside the bare runtime\n\n`python -m tests.bench.bench_scorer`: "
        f"{runtime.version}, {platform.machine()}, {os.cpu_count()} cores, "
        f"median of {arguments.rounds} rounds of {arguments.span_s:g} s each\n\n"
    )
    return heading + table(rounds)


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
