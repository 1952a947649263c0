"""`python -m tests.load.ghz_profiles`: has ghz load the scorer as each file of `tests/load/ghz` says.

each profile: a scorer of its own -> ghz -> a row of the table, a picture of latency over time

Any of them by hand: `ghz --config tests/load/ghz/steady.json HOST:PORT`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.processes import module
from tests.load.summary import percentile, table_row
from tests.load.tool import SOURCES, installed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

FOLDER = Path(__file__).parent / "ghz"
PROFILES = ("steady", "ramp", "burst", "bulk", "bidi")
SETTINGS = {
    "ROUTEMOA_SCORER_LISTEN_ADDRESS": "127.0.0.1:0",
    "ROUTEMOA_SCORER_CACHE_QUERIES": "0",
}
_HUNG_UP = ("use of closed network connection", "the client connection is closing")
"""How the errors of calls end that ghz broke off itself, when its time was over."""
COLUMNS = (
    "profile",
    "queries per call",
    "queries/s",
    "p50 ms",
    "p99 ms",
    "calls",
    "refused",
    "failed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A load that ghz makes, and how many queries one of its calls has."""

    name: str
    queries: int

    @classmethod
    def read(cls, name: str) -> Profile:
        """Reads a profile of the folder."""
        data = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["data"]
        messages = data if isinstance(data, list) else data.get("requests", [data])
        return cls(name=name, queries=len(messages))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What ghz met."""

    profile: Profile
    calls_per_s: float
    points: Sequence[tuple[float, float]]
    """Start in seconds and latency in milliseconds of every call that was answered."""
    refused: int
    failed: int

    @classmethod
    def of(cls, profile: Profile, report: dict[str, Any]) -> Loaded:
        """Reads ghz's report."""
        calls = [each for each in report["details"] or () if not each["error"].endswith(_HUNG_UP)]
        starts = [datetime.fromisoformat(call["timestamp"]).timestamp() for call in calls]
        codes = [call["status"] for call in calls]
        good = [place for place, code in enumerate(codes) if code == "OK"]
        refused = codes.count("Unavailable")
        return cls(
            profile=profile,
            calls_per_s=len(good) / (report["total"] / 1e9),
            points=[(starts[i] - min(starts), calls[i]["latency"] / 1e6) for i in good],
            refused=refused,
            failed=len(codes) - len(good) - refused,
        )

    def row(self) -> str:
        """Returns a row of the table whose columns are `COLUMNS`."""
        latencies = sorted(latency for _, latency in self.points)
        cells = [
            self.profile.name,
            str(self.profile.queries),
            f"{self.calls_per_s * self.profile.queries:.0f}",
            *(f"{percentile(latencies, share):.1f}" for share in (50, 99)),
            str(len(self.points) + self.refused + self.failed),
            str(self.refused),
            str(self.failed),
        ]
        return table_row(cells)


async def load(ghz: str, profile: Profile, span_s: float | None = None) -> Loaded:
    """Starts a scorer and loads it; a span replaces the profile's.

    Raises:
        RuntimeError: ghz failed; its messages were printed.
    """
    span = () if span_s is None else ("--duration", f"{span_s}s")
    async with module("services.scorer", environment=SETTINGS) as (_, address):
        process = await asyncio.create_subprocess_exec(
            *(ghz, "--config", str(FOLDER / f"{profile.name}.json"), "--format", "json"),
            *(*span, address),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"ghz exited with status {process.returncode}")
    return Loaded.of(profile, json.loads(output))


async def measured(ghz: str, span_s: float | None) -> list[Loaded]:
    """Returns what every profile met, one after the other."""
    return [await load(ghz, Profile.read(name), span_s) for name in PROFILES]


def report_of(loads: Sequence[Loaded]) -> str:
    """Returns the report in Markdown."""
    heading = (
        "# The scorer under ghz\n\n"
        f"`make load`: {SOURCES['ghz'].rpartition('/')[2]} with each file of `tests/load/ghz`; "
        f"{platform.machine()}, {os.cpu_count()} cores\nshared by ghz and the scorer, load average "
        f"{os.getloadavg()[1]:.1f}; no cache, one connection. `steady`, `ramp` and\n`burst` are at "
        "rates of their own, so a rate above the scorer's is refused; `bulk` and `bidi` ask\nagain "
        "when they are answered. Latencies are of calls, of which `bulk` and `bidi` have many "
        "queries.\n\n"
    )
    rows = [table_row(COLUMNS), table_row(["---"] * len(COLUMNS)), *(each.row() for each in loads)]
    return heading + "\n".join(rows) + "\n"


def draw(figure: Figure, loads: Sequence[Loaded]) -> None:
    """Draws the latency of every call over time, one row per profile."""
    panels = figure.subplots(len(loads), 1, squeeze=False)[:, 0]
    for axes, each in zip(panels, loads, strict=True):
        axes.plot(*zip(*each.points, strict=True), ".", markersize=1.5)
        axes.set(title=each.profile.name, ylabel="ms", yscale="log")
    panels[-1].set_xlabel("start of the call, s")


def main() -> None:
    """Reads the command line, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.load.ghz_profiles")
    parser.add_argument("--span-s", type=float, help="seconds per profile, instead of its own")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    parser.add_argument("--picture", type=Path, help="PNG file to draw (needs matplotlib)")
    options = parser.parse_args()
    loads = asyncio.run(measured(installed("ghz"), options.span_s))
    report = report_of(loads)
    if options.picture:
        from scorer.reports.style import write_picture  # noqa: PLC0415  # needs the [train] extra

        write_picture(options.picture, lambda figure: draw(figure, loads), size=(7.0, 10.0))
        report += f"\n![Latency over time]({options.picture.name})\n"
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
