"""Measures the scorer service beside other servers: `python -m tests.bench.scorer_peers --help`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from scorer import Runtime, default_artifact_path, load_artifact
from services.local.stack import free_port
from tests.bench.bench_scorer import text_of
from tests.bench.calls import Sample, measure, median, sample_of
from tests.bench.page_head import page_head
from tests.bench.processor import processor
from tests.bench.scorer_peers.contenders import contenders
from tests.bench.scorer_peers.processes import running
from tests.bench.scorer_peers.servers.model import MAX_BATCH, THREADS

if TYPE_CHECKING:
    from tests.bench.scorer_peers.contenders import Ask, Contender

CALLERS = 32
TOKENS = 17
START_S = 120
CEILING = "session.run of 32, tokenized in process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A contender that runs."""

    contender: Contender
    ask: Ask
    pid: int


async def started(contender: Contender, stack: AsyncExitStack, logs: Path) -> Server | None:
    """Starts a contender and waits until it answers; None if it does not."""
    port = free_port()
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(Path.cwd()), os.environ.get("PYTHONPATH", ""))),
        **{name: value.format(port=port) for name, value in contender.settings.items()},
    }
    command = [part.format(port=port) for part in contender.command]
    log = logs / f"{contender.name.split()[0]}.log"
    pid = await stack.enter_async_context(running(command, environment, log))
    ask = await stack.enter_async_context(contender.connect(port))
    last: Exception | None = None
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s:
        try:
            await asyncio.wait_for(ask("a word"), 5)
        except Exception as error:  # noqa: BLE001  # not there yet, in whatever way
            last = error
            await asyncio.sleep(0.2)
        else:
            return Server(contender=contender, ask=ask, pid=pid)
    sys.stderr.write(f"{contender.name} does not answer: {last!r}; see {log}\n")
    return None


async def measured(server: Server, text: str, span_s: float) -> Sample:
    """Has callers ask one after the other for a time."""
    queries = server.contender.queries_per_ask
    return await measure(
        lambda _: server.ask(text),
        pid=server.pid,
        queries=queries,
        callers=max(1, CALLERS // queries),
        span_s=span_s,
    )


def ceiling(runtime: Runtime, text: str, span_s: float) -> Sample:
    """Scores batches in this process, with nothing in between."""
    latencies_ms: list[float] = []
    begun_s, cpu_before_s = time.perf_counter(), time.process_time()
    while (started_s := time.perf_counter()) < begun_s + span_s:
        runtime.score([runtime.tokenize(text) for _ in range(MAX_BATCH)])
        latencies_ms.append((time.perf_counter() - started_s) * 1000)
    spent_s = time.perf_counter() - begun_s
    cpu_s = time.process_time() - cpu_before_s
    return sample_of(latencies_ms, queries=MAX_BATCH, spent_s=spent_s, cpu_s=cpu_s)


def table(rounds: list[dict[str, Sample]]) -> str:
    """Returns the medians, fastest first."""
    medians = {name: median([each[name] for each in rounds]) for name in rounds[0]}
    top = medians[CEILING].queries_per_s
    lines = [
        "| what | queries/s | of the ceiling | p50 ms | p99 ms | server CPU ms/query |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in sorted(medians.items(), key=lambda item: -item[1].queries_per_s):
        lines.append(
            f"| {name} | {row.queries_per_s:.0f} | {row.queries_per_s / top:.2f} | {row.p50_ms:.1f} | "
            f"{row.p99_ms:.1f} | {row.cpu_ms_per_query:.2f} |"
        )
    return "\n".join(lines) + "\n"


async def main(arguments: argparse.Namespace) -> str:
    """Runs the rounds and returns the report."""
    runtime = Runtime.open(load_artifact(arguments.artifact), intra_op_threads=THREADS)
    text = text_of(runtime, TOKENS)
    rounds: list[dict[str, Sample]] = []
    with tempfile.TemporaryDirectory() as logs:
        async with AsyncExitStack() as stack:
            candidates = contenders(arguments.environments, arguments.artifact.resolve())
            servers = [await started(each, stack, Path(logs)) for each in candidates]
            for _ in range(arguments.rounds):
                samples = {CEILING: ceiling(runtime, text, arguments.span_s)}
                for server in filter(None, servers):
                    name = server.contender.name
                    samples[name] = await measured(server, text, arguments.span_s)
                rounds.append(samples)
    heading = page_head(
        "The scorer service beside other model servers",
        "How much of the bare model's throughput does each server keep, with the same model?",
        f"""Command: `python -m tests.bench.scorer_peers`. Setting: {runtime.version}, {TOKENS} tokens,
        {CALLERS} callers, {THREADS} threads, {processor()}, {os.cpu_count()} cores shared with
        the client; medians of {arguments.rounds} interleaved rounds of {arguments.span_s:g} s; load
        average {os.getloadavg()[1]:.1f}. The *ceiling* is the model in process, in batches of 32.""",
    )
    return heading + table(rounds)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--span-s", type=float, default=3.0, help="seconds per measurement")
    parser.add_argument("--environments", type=Path, default=Path(".venv-peers"))
    parser.add_argument("--artifact", type=Path, default=default_artifact_path())
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    return parser.parse_args()


if __name__ == "__main__":
    options = parse_arguments()
    report = uvloop.run(main(options))
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")
