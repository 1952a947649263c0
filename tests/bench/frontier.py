"""Reports of `routemoa eval --json` -> quality against dollars, as a picture and a table.

    python -m tests.bench.frontier POOL --picture frontier.png cascade:0.1=a.json cascade:0.2=b.json ...

POOL is the replayed folder; every model of it is a point. Reports of one name are joined by a line.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import matplotlib as mpl

from services.evaluation.answers.recorded_pool import load_recorded_pool

mpl.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from services.evaluation.answers.recorded_pool import RecordedPool

HEAD = """\
| way | setting | right, % | of best single, % | $ per 1,000 | of best single's, % |
|---|---|---:|---:|---:|---:|
"""
INTERVALS_HEAD = """
95 % intervals:

| way | setting | right, % | of best single, % |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One way to answer the test queries; shares in percent."""

    way: str
    setting: str
    right: float
    right_interval: tuple[float, float]
    of_best: float
    of_best_interval: tuple[float, float]
    usd: float
    """Per 1,000 queries."""
    usd_of_best: float


def read_point(argument: str) -> Point:
    """Reads `way:setting=report.json`."""
    name, _, path = argument.partition("=")
    way, _, setting = name.partition(":")
    report = json.loads(Path(path).read_text(encoding="utf-8"))
    final, _, best = report["lines"][:3]
    right, gain = final["score"], report["gain_over_best_single"]
    share = 100 / best["score"]["mean"]
    return Point(
        way=way,
        setting=setting,
        right=100 * right["mean"],
        right_interval=(100 * right["low"], 100 * right["high"]),
        of_best=100 + share * gain["mean"],
        of_best_interval=(100 + share * gain["low"], 100 + share * gain["high"]),
        usd=final["usd_per_1000_queries"],
        usd_of_best=100 * final["usd_per_1000_queries"] / best["usd_per_1000_queries"],
    )


def table(points: Sequence[Point]) -> str:
    """Returns the points as a Markdown table, and their intervals as another."""
    rows = "".join(
        f"| {p.way} | {p.setting} | {p.right:.1f} | {p.of_best:.1f} | {p.usd:.3f} "
        f"| {p.usd_of_best:.1f} |\n"
        for p in points
    )
    intervals = "".join(
        f"| {p.way} | {p.setting} | {_range(p.right_interval)} | {_range(p.of_best_interval)} |\n"
        for p in points
    )
    return HEAD + rows + INTERVALS_HEAD + intervals


def draw(pool: RecordedPool, points: Sequence[Point], path: Path) -> None:
    """Draws every model of the pool, and the points with their intervals."""
    figure, axes = plt.subplots(figsize=(9, 6))
    _draw_models(axes, pool)
    for way in dict.fromkeys(point.way for point in points):
        own = sorted((p for p in points if p.way == way), key=lambda p: p.usd)
        heights = [p.right for p in own]
        errors = [
            [p.right - p.right_interval[0] for p in own],
            [p.right_interval[1] - p.right for p in own],
        ]
        dollars = [p.usd for p in own]
        axes.errorbar(dollars, heights, yerr=errors, marker="o", capsize=2, label=way)
    axes.set(xscale="log", xlabel="dollars per 1,000 queries", ylabel="right, %", title=pool.name)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="center right")
    figure.tight_layout()
    figure.savefig(path, dpi=130, metadata={"Software": None})


def _draw_models(axes: Axes, pool: RecordedPool) -> None:
    for model in pool.models:
        usd = 1000 * fmean(record.costs_usd[model] for record in pool.test)
        right = 100 * fmean(record.scores[model] for record in pool.test)
        axes.plot(usd, right, marker="x", color="grey")
        name = model.split("/")[-1]
        offset = {"xytext": (4, 3), "textcoords": "offset points"}
        axes.annotate(name, (usd, right), fontsize=7, color="grey", **offset)


def _range(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.1f} to {interval[1]:.1f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--picture", type=Path, required=True)
    parser.add_argument("reports", nargs="+", help="way:setting=report.json")
    options = parser.parse_args()
    found = [read_point(argument) for argument in options.reports]
    draw(load_recorded_pool(options.pool), found, options.picture)
    sys.stdout.write(table(found))
