"""Measures what agreement between answers is worth as evidence: `python -m tests.bench.bench_evidence`.

Three models answer each query of a recorded pool. The router's vote picks the final answer, and that
alone has feedback. What is learned with labels of the other two answers, by whether they agree with the
final one, against what is learned without? Only training rows are used. Needs the routing data folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import read_records
from scorer.data.responses import read_responses
from scorer.evaluation.pools import read_pools
from scorer.learning.labels import Labels
from services.answer_key import answer_key
from services.router.routing.agreement import Opinion, posteriors
from tests.bench.learning_loop import EXPLORED, Pool, from_nothing, kind_shares, noisy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from scorer.evaluation.pools import PoolConfig

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.intp]

POOLS = ("routerbench11", "zeroeval29")
WEIGHTS = ((0.0, 0.0), (0.3, 0.3), (1.0, 1.0))
"""Weights of an answer that agrees with the final one, and of one that differs from a good one."""
QUERIES = 1_500
CALLED = 3
RUNS = 4
"""Times that the models are chosen anew by what was learned."""
GOOD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answered:
    """A pool whose answers are known."""

    pool: Pool
    keys: npt.NDArray[np.object_]
    """The final answer of each model, in a form that can be compared, (N, M)."""


def read_answered(config: PoolConfig, data: Path) -> Answered:
    """Reads the training rows that all models answered; models with few answers are left out."""
    path = data / config.train
    records, responses = read_records(path), read_responses(path)
    texts = [responses.get(record.id or "", {}) for record in records]
    often = [m for m in records[0].scores if sum(m in each for each in texts) > len(texts) / 2]
    kept = [
        row
        for row, record in enumerate(records)
        if all(m in texts[row] and record.scores.get(m) is not None for m in often)
    ]
    keys = np.array([[answer_key(texts[row][m]) for m in often] for row in kept], dtype=object)
    targets = np.array([[records[row].scores[m] for m in often] for row in kept], dtype=np.float64)
    shares = kind_shares([records[row].query for row in kept])
    return Answered(pool=Pool(name=config.name, shares=shares, targets=targets), keys=keys)


def agreement_error(answered: Answered) -> tuple[float, float]:
    """Returns the share of agreeing answers that are not as right, and of differing ones that are."""
    draw = np.random.default_rng(0)
    targets, count = answered.pool.targets, answered.pool.targets.shape[1]
    same, unlike = [], []
    for row in draw.integers(len(targets), size=QUERIES).tolist():
        one, other = draw.choice(count, size=2, replace=False).tolist()
        keys = answered.keys[row]
        if keys[one] is None or keys[other] is None:
            continue
        if keys[one] == keys[other]:
            same.append(abs(targets[row, one] - targets[row, other]))
        elif targets[row, one] > GOOD:
            unlike.append(targets[row, other])
    return float(np.mean(same)), float(np.mean(unlike))


def learned(answered: Answered, seed: int, weights: tuple[float, float]) -> float:
    """Returns the mean score of the first choices for fresh queries after a closed loop."""
    pool = answered.pool
    order = np.random.default_rng(seed).permutation(len(pool.targets))
    count = min(QUERIES, 3 * len(order) // 4)
    traffic, fresh = np.resize(order[:count], QUERIES), order[count:]
    draw = np.random.default_rng([seed, 5])
    models = pool.targets.shape[1]
    shifts = np.zeros((models, pool.shares.shape[1]))
    found: list[tuple[int, int, float, float]] = []
    ties = 1e-6 * draw.normal(size=models)
    for rows in np.array_split(np.arange(QUERIES), RUNS):
        scores = 1 / (1 + np.exp(-pool.shares[traffic[rows]] @ shifts.T)) + ties
        for row, of_models in zip(rows.tolist(), scores, strict=True):
            called = np.argsort(-of_models)[:CALLED]
            if draw.random() < EXPLORED:
                called[-1] = draw.integers(models)
            final, others = _answer(answered, traffic[row], called.tolist(), of_models)
            said = float(noisy(pool.targets[traffic[row], [final]], draw)[0])
            found.append((row, final, said, 1.0))
            found += [(row, *each) for each in _labels(others, said, weights)]
        table = np.array(found, dtype=np.float64)
        labels = Labels(
            rows=table[:, 0].astype(np.intp),
            models=table[:, 1].astype(np.intp),
            raters=np.zeros(len(table), dtype=np.intp),
            values=table[:, 2],
            weights=table[:, 3],
            rater_count=1,
        )
        shifts = from_nothing(pool.shares[traffic[: rows[-1] + 1]], labels, models)
    chosen = (pool.shares[fresh] @ shifts.T).argmax(axis=1)
    return float(pool.targets[fresh, chosen].mean())


def _answer(
    answered: Answered, query: int, called: Sequence[int], scores: Floats
) -> tuple[int, dict[int, bool]]:
    """Returns the model of the final answer, and by other model whether its answer agrees."""
    keys = answered.keys[query]
    opinions = [
        Opinion(model_id=str(m), score=float(scores[m]), final_answer=keys[m])
        for m in dict.fromkeys(called)
    ]
    chances = posteriors(opinions)
    final = max(called, key=lambda m: chances[str(m)])
    known = [m for m in called if m != final and keys[m] is not None]
    return final, {m: keys[m] == keys[final] for m in known if keys[final] is not None}


def _labels(
    others: Mapping[int, bool], said: float, weights: tuple[float, float]
) -> list[tuple[int, float, float]]:
    """Returns model, value and weight of each label of the answers that are not final."""
    found = [(m, said, weights[0]) for m, agrees in others.items() if agrees]
    if said > GOOD:
        found += [(m, 1 - said, weights[1]) for m, agrees in others.items() if not agrees]
    return [each for each in found if each[2] > 0]


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    parser.add_argument("--pool", action="append", help="only this pool; repeatable")
    parser.add_argument("--seeds", type=int, default=4)
    options = parser.parse_args()
    configs = {config.name: config for config in read_pools()}
    heads = " | ".join(f"{agree:g}, {differ:g}" for agree, differ in WEIGHTS)
    sys.stdout.write(f"| pool | agreeing, not as right | differing, right too | {heads} |\n")
    sys.stdout.write("|---|---:|---:|" + "---:|" * len(WEIGHTS) + "\n")
    for name in options.pool or POOLS:
        answered = read_answered(configs[name], options.data)
        base = [learned(answered, seed, WEIGHTS[0]) for seed in range(options.seeds)]
        errors = [f"{100 * each:.1f} %" for each in agreement_error(answered)]
        cells = [f"{100 * np.mean(base):.1f}"]
        for weights in WEIGHTS[1:]:
            gains = [
                100 * (learned(answered, seed, weights) - base[seed])
                for seed in range(options.seeds)
            ]
            error = np.std(gains, ddof=1) / len(gains) ** 0.5
            cells.append(f"{np.mean(gains):+.2f} ± {error:.2f}")
        sys.stdout.write(f"| {name} | {' | '.join([*errors, *cells])} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
