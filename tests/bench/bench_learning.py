"""Measures learning from feedback on recorded pools: `python -m tests.bench.bench_learning --help`.

A closed loop that starts from nothing, a hostile tenant, a model that changes, false alarms. Needs the
routing data folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer.evaluation.pools import read_pools
from scorer.reports.style import write_picture
from tests.bench.learning_attacks import (
    AFTER,
    STEADY,
    Hostile,
    Worse,
    false_alarms,
    hostile,
    worse,
)
from tests.bench.learning_loop import EXPLORED, QUERIES, WRONG, Outcome, read_pool, run
from tests.bench.page_head import page_head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from tests.bench.learning_loop import Pool

POOLS = ("routerdc7", "llmrouter9", "routerbench11", "ollb18", "mmlupro28", "zeroeval29")
ARTIFACT = Path("scorer/artifacts/default")
HOSTILE_SHARES = (0.1, 0.3)
PICTURE = "learning.png"
RESAMPLES = 10_000

MEANING = """\
## What it means

- *Short by* is what is missing to a learner that was told every model's true label for the same
  queries. It is small where one model is best for all queries, and larger where the choice depends
  on the kind of query: 3,000 labels, a fifth of them wrong, tell little about each model in each
  kind.
- A model that falls by 25 points or more is found. A smaller fall takes more answers than were
  given here.
- The constants of the learner and of exploration were chosen on these pools, so other pools may do
  worse.

How long 20,000 decisions take: `python -m tests.bench.bench_learning_time`.
"""


def mean_interval(values: Sequence[float]) -> str:
    """Returns a mean in points with its bootstrapped 95 % interval."""
    points = 100 * np.asarray(values)
    draw = np.random.default_rng(1)
    means = points[draw.integers(len(points), size=(RESAMPLES, len(points)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{points.mean():.2f} [{low:.2f}, {high:.2f}]"


def loop_table(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """Returns the table of the closed loops."""
    lines = [
        "| pool | mean | best single | kNN, all labels | learner, all labels | learned | short by |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, found in outcomes.items():
        cells = [
            f"{100 * np.mean([getattr(each, field) for each in found]):.1f}"
            for field in ("chance", "single", "neighbours", "full", "learned")
        ]
        short = mean_interval([each.full - each.learned for each in found])
        lines.append(f"| {name} | {' | '.join(cells)} | {short} |")
    all_of_them = [each for found in outcomes.values() for each in found]
    short = mean_interval([each.full - each.learned for each in all_of_them])
    return "\n".join([*lines, f"| **all** | | | | | | **{short}** |", ""])


def attack_tables(
    attacks: Mapping[str, Sequence[Hostile]],
    changes: Mapping[str, Sequence[Worse]],
    alarms: Mapping[str, Sequence[int]],
) -> str:
    """Returns the tables of the hostile tenant, of changes and of false alarms."""
    shares = " | ".join(f"{share:.0%} of the feedback" for share in HOSTILE_SHARES)
    lines = [
        "## A hostile tenant",
        "",
        "One tenant of ten says that the worst model is always right and every other one always wrong.",
        "The points by which the others' choices become worse:",
        "",
        f"| pool | {shares} |",
        "|---|---:|---:|",
    ]
    for name, found in attacks.items():
        cells = [
            mean_interval([each.moved for each in found if each.share == s]) for s in HOSTILE_SHARES
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "## A model that becomes worse",
        "",
        "The best model's answers are swapped for a weaker one's.",
        "",
        f"| drop, points | swaps | found in {AFTER} answers | median | chosen before | after |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    together = [each for found in changes.values() for each in found]
    for low, high in ((0.05, 0.15), (0.15, 0.25), (0.25, 0.35), (0.35, 1.0)):
        ours = [each for each in together if low <= each.drop < high]
        if not ours:
            continue
        seen = [each.found_after for each in ours if each.found_after is not None]
        median = f"{np.median(seen):.0f}" if seen else ""
        before = np.mean([each.chosen_before for each in ours])
        after = np.mean([each.chosen_after for each in ours])
        lines.append(
            f"| {100 * low:.0f} to {100 * high:.0f} | {len(ours)} | {len(seen) / len(ours):.0%} "
            f"| {median} | {before:.0%} | {after:.0%} |"
        )
    counts = [count for found in alarms.values() for count in found]
    lines += [
        "",
        f"False alarms, where no model changes: {sum(counts)} in {len(counts) * STEADY:,} labels,",
        f"{sum(counts) / len(counts):.2f} in {STEADY:,}.",
        "",
    ]
    return "\n".join(lines)


def picture(path: Path, outcomes: Mapping[str, Sequence[Outcome]]) -> None:
    """Draws the mean regret of each 100 queries, a panel per pool."""

    def draw(figure: Figure) -> None:
        panels = figure.subplots(2, 3, sharex=True).ravel()
        for panel, (name, found) in zip(panels, outcomes.items(), strict=False):
            curves = {"learned": [each.regret for each in found]}
            for rival in found[0].rivals:
                curves[rival] = [each.rivals[rival] for each in found]
            for label, regrets in curves.items():
                steps = 100 * np.mean(regrets, axis=0).reshape(-1, 100).mean(axis=1)
                width = 2.0 if label == "learned" else 1.0
                panel.plot(np.arange(100, QUERIES + 1, 100), steps, label=label, linewidth=width)
            panel.set_title(name)
            panel.axhline(0, color="gray", linewidth=0.5)
        panels[0].legend(fontsize=7)
        panels[0].set_ylabel("points below all labels")
        panels[-2].set_xlabel("queries")

    write_picture(path, draw, size=(9.0, 5.0))


def measure_attacks(pool: Pool, seeds: range) -> tuple[list[Hostile], list[Worse], list[int]]:
    """Measures what a hostile tenant, swaps and time do."""
    models = pool.targets.shape[1]
    attacks = [hostile(pool, seed, share) for share in HOSTILE_SHARES for seed in seeds]
    ranks = sorted({models // 4, models // 2, 3 * models // 4, models - 1} - {0})
    changes = [worse(pool, seed, rank) for rank in ranks for seed in seeds]
    alarms = [false_alarms(pool, 0, model) for model in range(min(models, 8))]
    return attacks, changes, alarms


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    parser.add_argument("--pool", action="append", help="only this pool; repeatable")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    configs = {config.name: config for config in read_pools()}
    seeds = range(options.seeds)
    outcomes, attacks, changes, alarms = {}, {}, {}, {}
    for name in options.pool or POOLS:
        pool = read_pool(configs[name], options.data, ARTIFACT)
        attacks[name], changes[name], alarms[name] = measure_attacks(pool, seeds)
        outcomes[name] = [run(pool, seed) for seed in seeds]
        sys.stderr.write(loop_table(outcomes) + attack_tables(attacks, changes, alarms))
    heading = page_head(
        "Learning from feedback",
        f"""Command: `python -m tests.bench.bench_learning --seeds {options.seeds}`. Each pool's
        queries are shuffled by seed: {QUERIES:,} are traffic, the rest are fresh queries on which the
        choices are measured. At first nothing is known of any model. One model answers each query,
        and only its answer gets feedback, {WRONG:.0%} of it wrong. {EXPLORED:.0%} of the queries try
        another model. Intervals are over seeds.""",
    )
    report = heading + "## The closed loop\n\n" + loop_table(outcomes)
    report += (
        f"\n![Regret by query]({PICTURE})\n\n" + attack_tables(attacks, changes, alarms) + MEANING
    )
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")
        picture(options.markdown.with_name(PICTURE), outcomes)


if __name__ == "__main__":
    main()
