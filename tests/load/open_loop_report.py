"""`python -m tests.load.open_loop_report`: loads the scorer at fixed rates, into a table and a picture.

peak by closed loop -> 70 % of it, 3 times it, streams, a reload at 70 % -> Markdown, PNG
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scorer import Runtime, default_artifact_path, load_artifact
from tests.bench.cores import split
from tests.load.open_loop import Ending
from tests.load.scorer_scenarios import (
    OVERLOAD,
    STEADY_SHARE,
    STREAM_SHARE,
    machine,
    peak_per_s,
    reload_load,
    stream_load,
    unary_load,
)
from tests.load.scorer_target import STREAM_QUERIES
from tests.load.summary import COLUMNS, percentile, table_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from tests.load.scorer_scenarios import Cores, Scenario


async def measured(span_s: float, cores: Cores) -> tuple[float, list[Scenario]]:
    """Returns the peak in queries per second, and every scenario."""
    runtime = Runtime.open(load_artifact(default_artifact_path()), intra_op_threads=1)
    peak = await peak_per_s(runtime, span_s, cores=cores)
    steady = STEADY_SHARE * peak
    scenarios = [
        await unary_load("70 % of the peak", runtime, steady, span_s, cores=cores),
        await unary_load("3 times the peak", runtime, OVERLOAD * peak, span_s, cores=cores),
        await stream_load(
            "streams, first message",
            runtime,
            STREAM_SHARE * peak / STREAM_QUERIES,
            span_s,
            cores=cores,
        ),
    ]
    with tempfile.TemporaryDirectory() as folder:
        scenarios += await reload_load(runtime, steady, span_s, Path(folder), cores=cores)
    return peak, scenarios


def report_of(peak: float, scenarios: Sequence[Scenario], span_s: float, cores: Cores) -> str:
    """Returns the report in Markdown."""
    steady, overload, _, before, during, after = [each.summary for each in scenarios]
    spread = percentile(steady.right_ms, 99) / percentile(steady.right_ms, 50)
    p99s = [percentile(each.right_ms, 99) for each in (before, during, after)]
    failed = sum(len(each.outcomes) - len(each.summary.right_ms) for each in scenarios[4:])
    findings = (
        f"- Peak, {span_s:g} s in closed loop: {peak:.0f} queries/s.\n"
        f"- At 70 % of it, p99 is {spread:.1f} times p50.\n"
        f"- At 3 times it, right answers are {overload.right_per_s / peak:.0%} of the peak; "
        f"{overload.counts[Ending.REFUSED]} calls are refused, half of them within "
        f"{percentile(overload.refused_ms, 50):.0f} ms, 99 % within "
        f"{percentile(overload.refused_ms, 99):.0f} ms; {overload.counts[Ending.WRONG]} answers are "
        "wrong.\n"
        f"- While the artifact is replaced, p99 is {p99s[1] / p99s[0]:.1f} times that before, "
        f"and {p99s[2] / p99s[0]:.1f} times after; "
        f"{failed} calls get no right answer.\n\n"
    )
    heading = (
        "# The scorer under open-loop load\n\n`make load-open-loop`: calls are due at random times "
        "(Poisson) at a fixed rate, whatever\nthe service does; latencies count from when a call was "
        f"due. {machine(cores)}; {span_s:g} s\nper scenario, no cache, one connection. Every answer is "
        "compared with the scores in process.\n`started late` is the generator's own delay, which "
        "every latency contains.\n\n"
    )
    rows = [table_row(COLUMNS), table_row(["---"] * len(COLUMNS))]
    rows += [scenario.summary.row(scenario.name) for scenario in scenarios]
    return heading + findings + "\n".join(rows) + "\n"


def draw(figure: Figure, scenarios: Sequence[Scenario]) -> None:
    """Draws the latencies of right answers: the share of calls that took longer."""
    axes = figure.add_subplot()
    for scenario in scenarios:
        latencies = scenario.summary.right_ms
        shares = [1 - place / len(latencies) for place in range(len(latencies))]
        axes.plot(latencies, shares, label=scenario.name)
    axes.set(xscale="log", yscale="log", xlabel="latency, ms", ylabel="share of calls above it")
    axes.legend()


def main() -> None:
    """Reads the command line, measures, prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, prog="python -m tests.load.open_loop_report"
    )
    parser.add_argument("--span-s", type=float, default=30.0, help="seconds per scenario")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    parser.add_argument("--picture", type=Path, help="PNG file to draw (needs matplotlib)")
    parser.add_argument(
        "--apart", action="store_true", help="keep service and callers on cores of their own"
    )
    options = parser.parse_args()
    cores = split() if options.apart else None
    peak, scenarios = asyncio.run(measured(options.span_s, cores))
    report = report_of(peak, scenarios, options.span_s, cores)
    if options.picture:
        from scorer.reports.style import write_picture  # noqa: PLC0415  # needs the [train] extra

        write_picture(options.picture, lambda figure: draw(figure, scenarios), size=(7.0, 4.0))
        if options.markdown:
            report += f"\n![Latency]({options.picture.name})\n"
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
