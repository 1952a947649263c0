"""Simulates rollouts on recorded pools: `python -m tests.bench.bench_rollout --help`.

Three pairs of artifacts per pool: half of the labels or all; a model without a row or with one; a model
that has become worse, with its old row or with a new one. Queries are drawn from the test file with
replacement, and both artifacts choose the model with the best score. Each has feedback: the recorded
score of the model. So that the difference is known, outcomes of the two choices are swapped on some
queries, until the candidate is as much better as a column says. Needs torch and the routing data
folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import model_ids_of, read_records
from scorer.evaluation.pools import read_pools
from scorer.rollout.rollout import Rollout, RolloutSettings, Stage
from scorer.training.mixture.learner import learn
from services.evaluation.rollout.observation import Observation
from services.evaluation.rollout.verdict import judge_rollout
from tests.bench.bench_add_model import CONFIG, examples_of, without
from tests.bench.page_head import page_head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from scorer.evaluation.pools import PoolConfig
    from scorer.training.mixture.examples import Examples

    Floats = npt.NDArray[np.float64]

POOLS = ("llmrouter9", "mmlupro28", "routerdc7")
RUNS = 200
SETTINGS = RolloutSettings()
LOOK_EVERY = 2500
"""Queries between two steps."""
MAX_TRAIN_QUERIES = 1500
"""Most training queries of a pool."""
TYPICAL_SHARE = 0.2
"""Share of the queries of the model that is added or becomes worse, as near as a pool has one."""
WORSE_BY = 0.1
"""How much worse the model becomes: its answers are those of the model with the next lower mean."""
ROLLOUT = Rollout(
    id="simulated",
    stage=Stage.SHARE,
    active_version="active",
    candidate_version="candidate",
    candidate=Path("candidate"),
    started="",
    changed="",
    reason="",
    settings=SETTINGS,
)
GAINS = (0.02, 0.0, -0.02)
NO_ROW = -1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """An active artifact and a candidate on the queries of a test (N)."""

    pool: str
    change: str
    scores: tuple[Floats, Floats]
    """Scores of the active artifact and of the candidate, each (N, M)."""
    targets: Floats
    """(N, M)."""

    @property
    def choices(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """The first model of the active artifact and of the candidate, each (N,)."""
        active, candidate = self.scores
        return active.argmax(axis=1), candidate.argmax(axis=1)

    @property
    def outcomes(self) -> Floats:
        """The scores of both choices, (N, 2)."""
        rows = np.arange(len(self.targets))
        return np.stack([self.targets[rows, choice] for choice in self.choices], axis=1)

    @property
    def predicted(self) -> Floats:
        """The mean of both artifacts' scores of both choices, (N, 2)."""
        rows, mean = np.arange(len(self.targets)), np.clip(sum(self.scores) / 2, 0, 1)
        return np.stack([mean[rows, choice] for choice in self.choices], axis=1)

    @property
    def differs(self) -> npt.NDArray[np.bool_]:
        """Whether the choices differ, (N,)."""
        active, candidate = self.choices
        return np.not_equal(active, candidate)

    def swap_chances(self, gain: float) -> Floats | None:
        """Returns the chance to swap each query's outcomes (N,) that makes the mean gain this one.

        None if the outcomes differ too seldom for it.
        """
        difference = self.outcomes[:, 1] - self.outcomes[:, 0]
        missing = gain - float(difference.mean())
        against = difference * np.sign(missing) < 0
        room = 2 * float(np.abs(difference[against]).sum()) / len(difference)
        if abs(missing) > room:
            return None
        return np.where(against, abs(missing) / max(room, abs(missing), 1e-12), 0.0)


def rows_of(examples: Examples, rows: npt.NDArray[np.intp]) -> Examples:
    """Returns some of the queries."""
    chosen = rows.tolist()
    return dataclasses.replace(
        examples,
        texts=[examples.texts[row] for row in chosen],
        bags=[examples.bags[row] for row in chosen],
        targets=examples.targets[rows],
        weights=examples.weights[rows],
    )


def learned_scores(train: Examples, test: Examples) -> Floats:
    """Returns the scores of an artifact learned from queries, (N, M)."""
    learned = learn(train, config=CONFIG, seed=0)
    return learned.scores(learned.features(test)).astype(np.float64)


def pairs_of(config: PoolConfig, data: Path) -> list[Pair]:
    """Returns the three pairs of a pool."""
    model_ids = model_ids_of(read_records(data / config.train))
    train = examples_of(config, data / config.train, model_ids)
    order = np.random.default_rng(0).permutation(len(train.texts))
    train = rows_of(train, order[:MAX_TRAIN_QUERIES])
    test = examples_of(config, data / next(iter(config.tests.values())), model_ids)
    targets = np.nan_to_num(test.targets.astype(np.float64))
    full = learned_scores(train, test)
    half = np.arange(len(train.texts) // 2)
    shares = np.bincount(full.argmax(axis=1), minlength=len(model_ids)) / len(full)
    model = int(np.abs(shares - TYPICAL_SHARE).argmin())
    absent = np.insert(learned_scores(without(train, model), test), model, NO_ROW, axis=1)
    means = np.nanmean(train.targets, axis=0)
    lower = np.flatnonzero(means <= means[model] - WORSE_BY)
    weak = int(lower[means[lower].argmax()]) if len(lower) else int(means.argmin())
    changed, now = train.targets.copy(), targets.copy()
    changed[:, model], now[:, model] = changed[:, weak], now[:, weak]
    corrected = learned_scores(dataclasses.replace(train, targets=changed), test)
    found = [
        ("all labels, not half", (learned_scores(rows_of(train, half), test), full), targets),
        ("a model added", (absent, full), targets),
        ("a worse model found", (full, corrected), now),
    ]
    return [
        Pair(pool=config.name, change=change, scores=scores, targets=truth)
        for change, scores, truth in found
    ]


def observations_of(pair: Pair) -> dict[tuple[int, bool, bool], Observation]:
    """Returns the observation of each query, arm, and whether its outcomes are swapped."""
    outcomes, predicted, differs = pair.outcomes, pair.predicted, pair.differs
    return {
        (row, arm, swapped): Observation(
            tenant=None,
            from_candidate=arm,
            probability=SETTINGS.share,
            differs=bool(differs[row]),
            active_score=float(predicted[row, 0]),
            candidate_score=float(predicted[row, 1]),
            cost_usd=0.0,
            latency_s=0.0,
            feedback=float(outcomes[row, int(arm != swapped)]),
        )
        for row in range(len(outcomes))
        for arm in (False, True)
        for swapped in (False, True)
    }


def simulate(
    possible: Mapping[tuple[int, bool, bool], Observation], chances: Floats, seed: Sequence[int]
) -> bool:
    """Returns whether the candidate was promoted.

    Args:
        possible: What can be observed, as `observations_of`.
        chances: The chance to swap the outcomes of each query, (N,).
        seed: Decides the queries and the arms.
    """
    draw = np.random.default_rng(seed)
    seen: list[Observation] = []
    while len(seen) < SETTINGS.max_feedback:
        rows = draw.integers(len(chances), size=LOOK_EVERY)
        arms = (draw.random(LOOK_EVERY) < SETTINGS.share).tolist()
        swapped = (draw.random(LOOK_EVERY) < chances[rows]).tolist()
        seen += [possible[key] for key in zip(rows.tolist(), arms, swapped, strict=True)]
        stage = judge_rollout(ROLLOUT, seen).stage
        if stage is not Stage.SHARE:
            return stage is Stage.PROMOTED
    return False


def share_with_interval(count: int, runs: int) -> str:
    """Returns a share in percent with its 95 % interval (Wilson 1927)."""
    z, share = 1.96, count / runs
    centre = (share + z * z / (2 * runs)) / (1 + z * z / runs)
    half = z / (1 + z * z / runs) * (share * (1 - share) / runs + z * z / (4 * runs**2)) ** 0.5
    return f"{100 * share:.1f} ({100 * max(centre - half, 0):.1f} to {100 * (centre + half):.1f})"


def row_of(pair: Pair, runs: int) -> str:
    """Returns the row of a pair."""
    natural = pair.outcomes
    gain = 100 * float((natural[:, 1] - natural[:, 0]).mean())
    cells = [pair.pool, pair.change, f"{100 * pair.differs.mean():.0f}", f"{gain:+.1f}"]
    possible = observations_of(pair)
    own = zlib.crc32(f"{pair.pool} {pair.change}".encode())
    for number, target in enumerate(GAINS):
        chances = pair.swap_chances(target)
        if chances is None:
            cells.append("-")
            continue
        promoted = [simulate(possible, chances, seed=(own, number, run)) for run in range(runs)]
        cells.append(share_with_interval(sum(promoted), runs))
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    parser.add_argument("--pool", action="append", help="only this pool; repeatable")
    parser.add_argument("--runs", type=int, default=RUNS, help="simulated rollouts per cell")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    configs = {config.name: config for config in read_pools()}
    heads = " | ".join(f"promoted at {100 * gain:+.0f} points, %" for gain in GAINS)
    lines = [
        f"| pool | candidate | choices that differ, % | gain as recorded, points | {heads} |",
        "|---|---|---:|---:|" + "---:|" * len(GAINS),
    ]
    for name in options.pool or POOLS:
        for pair in pairs_of(configs[name], options.data):
            lines.append(row_of(pair, options.runs))
            sys.stderr.write(f"{lines[-1]}\n")
    heading = page_head(
        "Rollouts",
        f"""Command: `python -m tests.bench.bench_rollout`. Artifacts learned from at most
        {MAX_TRAIN_QUERIES:,} queries; {options.runs} simulated rollouts per cell, of at most
        {SETTINGS.max_feedback:,} queries with feedback, half of them answered by the candidate.
        Shares with 95 % intervals. -: the outcomes differ too seldom for such a gain.""",
    )
    report = heading + "\n".join([*lines, ""])
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
