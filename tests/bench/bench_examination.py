"""Measures what an examination is worth: `python -m tests.bench.bench_examination --help`.

Recorded pools stand for pools that are examined: the training rows are the questions, with their tasks
as kinds, and the test rows the traffic. The scorer that the models are added to was trained on the
other pools, without any of these models and without these queries. The choices are compared with those
of a scorer that was trained on all labels of the pool. All read n-grams alone. Needs torch and the
routing data folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer.evaluation.pools import read_pools
from scorer.measures.intervals import bootstrap_means, interval
from tests.bench.examined import COUNTS, at_random, by_kinds, by_marks, by_texts, examined
from tests.bench.page_head import page_head
from tests.bench.recorded_pools import Recorded, recorded

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.measures.intervals import Interval

    Floats = npt.NDArray[np.float64]

RANDOM_COUNTS = (*COUNTS, 300, 400)
BARS = (1.5, 1.0)
"""Points of the mean over the pools that the examination may cost."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """A way to add models from few questions, at growing numbers of them."""

    name: str
    questions: Floats
    """Mean questions per model, over seeds and pools, (C,)."""
    differences: Floats
    """Points less those of full training, mean over the pools, (C, seeds)."""
    ends: list[Interval]
    """The means over the seeds, with intervals over the test queries, (C,)."""

    def needed(self, points: float) -> float:
        """Returns the questions per model from which on the mean stays within points, or infinity."""
        means = self.differences.mean(axis=1)
        inside = -1
        for place in range(len(means) - 1, -1, -1):
            if means[place] < -points:
                break
            inside = place
        if inside < 0:
            return float("inf")
        if inside == 0:
            return float(self.questions[0])
        low, high = means[inside - 1], means[inside]
        share = (-points - low) / (
            high - low
        )  # between the last point outside and the first inside
        first, last = self.questions[inside - 1 : inside + 1]
        return float(first + share * (last - first))


@dataclass(slots=True)
class Tried:
    """The outcomes of one way on one pool, by number of questions and seed."""

    questions: list[list[float]]
    outcomes: list[list[Floats]]


def tried(pool: Recorded, seeds: int) -> dict[str, Tried]:
    """Returns the outcomes of every way on a pool."""
    found: dict[str, Tried] = {}

    def add(name: str, place: int, questions: float, scores: Floats, count: int) -> None:
        each = found.setdefault(name, Tried([[] for _ in range(count)], [[] for _ in range(count)]))
        each.questions[place].append(questions)
        each.outcomes[place].append(pool.outcomes(scores))

    for seed in range(seeds):
        for place, (_, state) in enumerate(sorted(examined(pool, seed=seed).items())):
            count, asked = len(COUNTS), state.questions
            add("examined", place, asked, by_kinds(pool, state), count)
        for place, count in enumerate(RANDOM_COUNTS):
            for name, same in (("random", False), ("random, the same for all", True)):
                state = at_random(pool, count, seed=seed, same=same)
                add(name, place, state.questions, by_kinds(pool, state), len(RANDOM_COUNTS))
        sys.stderr.write(f"{pool.name}, seed {seed}\n")
    return found


def curves(pools: list[Recorded], results: list[dict[str, Tried]]) -> list[Curve]:
    """Returns the curves of all ways, means over the pools."""
    found = []
    for name in results[0]:
        ways = [result[name] for result in results]
        places = range(len(ways[0].questions))
        differences, ends = [], []
        for place in places:
            by_pool, resampled = [], []
            for pool, way in zip(pools, ways, strict=True):
                trained = pool.outcomes(pool.trained)
                by_seed = [100 * (each - trained) for each in way.outcomes[place]]
                by_pool.append([pool.mean(each) / 100 for each in by_seed])
                mean = np.mean(by_seed, axis=0)[:, None]
                resampled.append(bootstrap_means(mean, pool.test_strata, seed=0, resamples=2_000))
            differences.append(np.mean(by_pool, axis=0))
            ends.append(interval(float(np.mean(by_pool)), np.mean(resampled, axis=0)[:, 0]))
        found.append(
            Curve(
                name=name,
                questions=np.array([np.mean([way.questions[p] for way in ways]) for p in places]),
                differences=np.array(differences),
                ends=ends,
            )
        )
    return found


def page(pools: list[Recorded], found: list[Curve]) -> str:
    """Returns the tables, as Markdown."""
    lines = [
        "| way to ask | questions per model | points less full training | 95 % | s.d. over seeds |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for curve in found:
        for place, end in enumerate(curve.ends):
            spread = curve.differences[place].std(ddof=1) if curve.differences.shape[1] > 1 else 0.0
            lines.append(
                f"| {curve.name} | {curve.questions[place]:.0f} | {end.mean:+.2f} | "
                f"{end.low:+.2f} to {end.high:+.2f} | {spread:.2f} |"
            )
    heads = " | ".join(f"until {points} points" for points in BARS)
    lines += ["", f"| way to ask | {heads} |", "| --- |" + " ---: |" * len(BARS)]
    for curve in found:
        needed = [curve.needed(points) for points in BARS]
        cells = " | ".join(f"{n:.0f}" if np.isfinite(n) else "not reached" for n in needed)
        lines.append(f"| {curve.name} | {cells} |")
    lines += ["", "| pool | models | questions | full training | by kinds | by texts | by marks |"]
    lines.append("| --- |" + " ---: |" * 6)
    lines += [_pool_row(pool) for pool in pools]
    return "\n".join(lines) + "\n"


def _pool_row(pool: Recorded) -> str:
    """Returns a pool's scores after all questions, for each way to add the models; one seed."""
    state = examined(pool, seed=0)[max(COUNTS)]
    ways = (
        pool.trained,
        by_kinds(pool, state),
        by_texts(pool, state),
        by_marks(pool, state.rows),
    )
    cells = " | ".join(f"{pool.mean(pool.outcomes(each)):.1f}" for each in ways)
    return f"| {pool.name} | {len(pool.model_ids)} | {state.questions:.0f} | {cells} |"


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    parser.add_argument("--pool", action="append", help="only this pool; repeatable")
    parser.add_argument("--seeds", type=int, default=10, help="orders of the questions")
    parser.add_argument("--markdown", type=Path, help="file to write the page to")
    options = parser.parse_args()
    configs = {config.name: config for config in read_pools()}
    pools = [recorded(configs[name], configs, options.data) for name in options.pool or configs]
    results = [tried(pool, options.seeds) for pool in pools]
    heading = page_head(
        "What an examination is worth",
        f"""Command: `python -m tests.bench.bench_examination`. {len(pools)} recorded pools,
        {options.seeds} seeds. Training rows are the questions, test rows the traffic.""",
    )
    report = heading + page(pools, curves(pools, results))
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
