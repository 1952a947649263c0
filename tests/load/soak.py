"""`python -m tests.load.soak`: loads the scorer for long and tells whether anything grows.

peak by closed loop -> bursts -> rest -> 70 % of the peak for so many minutes, a look at the metrics
every second -> rest -> Markdown
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from scorer import Runtime, default_artifact_path, load_artifact
from tests.bench.scorer_calls import running_scorer
from tests.load.open_loop import offer
from tests.load.scorer_scenarios import STEADY_SHARE, machine, peak_per_s
from tests.load.scorer_target import ScorerTarget
from tests.load.summary import COLUMNS, Summary, table_row
from tests.load.trend import trend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PEAK_SPAN_S = 10.0
INTERVAL_S = 1.0
BURSTS, BURST_CALLS = 40, 512
"""The allocator keeps what the worst moments needed; bursts at the start take it there, so that what
grows afterwards is lost and not kept."""
WARM_UP_SHARE = 0.2
"""Memory is still being claimed at first; so much of the time is not looked at."""
PARTS = 24
"""What is lost is never given back, and what is in use is, whenever calls are few: so the least of each
of so many parts counts."""
REST_S = 10.0
WATCHED = {
    "process_resident_memory_bytes": "resident memory, KiB",
    "process_open_fds": "descriptors",
    "watched_tasks": "tasks",
    "watched_threads": "threads",
}
HEADS = (
    "what",
    "at rest before",
    "at rest after",
    "first",
    "last",
    "slope per hour",
    "95 % interval",
    "level",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the metrics said at a time."""

    at_s: float
    values: dict[str, float]


def free_port() -> int:
    """Returns a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def look(port: int) -> Look:
    """Reads what is watched from the metrics endpoint."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        families = text_string_to_metric_families(response.read().decode())
        values = {sample.name: sample.value for family in families for sample in family.samples}
    values["process_resident_memory_bytes"] /= 1024
    return Look(at_s=time.perf_counter(), values={name: values[name] for name in WATCHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """How the calls ended, and what was watched."""

    summary: Summary
    looks: list[Look]
    """A second apart, from the bursts to the last call."""
    rested: tuple[Look, Look]
    """Without calls, before and after."""


async def soaked(span_s: float) -> Soak:
    """Loads the scorer for a time and watches it."""
    runtime = Runtime.open(load_artifact(default_artifact_path()), intra_op_threads=1)
    rate = STEADY_SHARE * await peak_per_s(runtime, min(PEAK_SPAN_S, span_s))
    port = free_port()
    looks: list[Look] = []

    async def watch() -> None:
        while True:
            looks.append(await asyncio.to_thread(look, port))
            await asyncio.sleep(INTERVAL_S)

    async with running_scorer("tests.load.watched_scorer", METRICS_PORT=str(port)) as (_, stubs):
        target = ScorerTarget(stubs[0], runtime)
        await target.unary(0)
        watcher = asyncio.create_task(watch())
        for _ in range(BURSTS):
            calls = (target.unary(number) for number in range(BURST_CALLS))
            await asyncio.gather(*calls, return_exceptions=True)
        before = await rested(port)
        outcomes = await offer(target.unary, rate_per_s=rate, span_s=span_s)
        watcher.cancel()
        await asyncio.wait([watcher])
        after = await rested(port)
    return Soak(summary=Summary.of(outcomes, span_s), looks=looks, rested=(before, after))


async def rested(port: int) -> Look:
    """Looks once the last call is a while ago."""
    await asyncio.sleep(REST_S)
    return await asyncio.to_thread(look, port)


def floors(looks: list[Look], name: str) -> tuple[list[float], list[float]]:
    """Returns the middle of each part of the time, in seconds, and the least that was seen in it."""
    parts = [part for part in np.array_split(np.arange(len(looks)), PARTS) if len(part)]
    times = [float(np.mean([looks[place].at_s for place in part])) for part in parts]
    return times, [min(looks[place].values[name] for place in part) for part in parts]


def report_of(soak: Soak, minutes: float) -> str:
    """Returns the report in Markdown."""
    settled = soak.looks[int(len(soak.looks) * WARM_UP_SHARE) :]
    lines = [table_row(HEADS), table_row(["---"] * len(HEADS))]
    for name, title in WATCHED.items():
        times, values = floors(settled, name)
        line = trend(times, values)
        before, after = (each.values[name] for each in soak.rested)
        lines.append(
            f"| {title} | {before:.0f} | {after:.0f} | {values[0]:.0f} | {values[-1]:.0f} | "
            f"{line.per_hour:.0f} | {line.low:.0f} to {line.high:.0f} | "
            f"{'yes' if line.is_level else 'no'} |"
        )
    arenas = os.environ.get("MALLOC_ARENA_MAX", "as many as it likes")
    heading = (
        f"# A scorer loaded for {minutes:g} minutes\n\n`make soak`: 70 % of its peak, open loop, "
        f"no cache, one connection.\n{machine()}; glibc arenas: {arenas}.\nIt begins with "
        f"{BURSTS} bursts of {BURST_CALLS} calls. The first {WARM_UP_SHARE:.0%} of the time is left "
        f"out; of each {PARTS}th of the\nrest the least counts, as what is lost is never given "
        "back. An interval that holds zero means that no growth\ncan be told.\n\n"
    )
    calls = [table_row(COLUMNS), table_row(["---"] * len(COLUMNS)), soak.summary.row("soak")]
    return heading + "\n".join([*lines, "", *calls]) + "\n"


def draw(figure: Figure, looks: list[Look]) -> None:
    """Draws what was watched over time, each above the other."""
    minutes = [(each.at_s - looks[0].at_s) / 60 for each in looks]
    all_axes = figure.subplots(len(WATCHED), sharex=True)
    for axes, (name, title) in zip(all_axes, WATCHED.items(), strict=True):
        axes.plot(minutes, [each.values[name] for each in looks])
        axes.set(ylabel=title)
        axes.margins(y=0.3)
    all_axes[-1].set(xlabel="minutes")


def main() -> None:
    """Reads the command line, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.load.soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    parser.add_argument("--picture", type=Path, help="PNG file to draw (needs matplotlib)")
    options = parser.parse_args()
    soak = asyncio.run(soaked(options.minutes * 60))
    report = report_of(soak, options.minutes)
    if options.picture:
        from scorer.reports.style import write_picture  # noqa: PLC0415  # needs the [train] extra

        write_picture(options.picture, lambda figure: draw(figure, soak.looks), size=(7.0, 7.0))
        if options.markdown:
            report += f"\n![What was watched]({options.picture.name})\n"
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
