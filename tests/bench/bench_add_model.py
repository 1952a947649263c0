"""Measures what adding a model from few labels gives: `python -m tests.bench.bench_add_model --help`.

One model after another is left out of a pool, added again from some labelled queries of the training
file, and the choice among all models is compared, on the test file, with that of a scorer trained on
all labels of all models. Both read n-grams alone. Needs torch and the routing data
folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import model_ids_of, read_records
from scorer.evaluation.dataset import metric_targets
from scorer.evaluation.pools import read_pools
from scorer.measures.ranking import mean_by_model, ranking_figures
from scorer.training.mixture.examples import Examples, make_examples
from scorer.training.mixture.learner import learn
from scorer.training.mixture.new_model import Labelled, fit_new_model
from scorer.training.recipe import LearnerConfig
from tests.bench.page_head import page_head

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.evaluation.pools import PoolConfig
    from scorer.training.mixture.learner import Learned

POOLS = ("zeroeval29", "alpacaeval19", "llmrouter9")
LABELS = 200
SEEDS = 3
CONFIG = LearnerConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model that was left out and added again, over seeds; scores in points."""

    pool: str
    model: str
    trained: float
    """Mean score of the chosen model, everything trained."""
    absent: float
    """The same, the model left out and not added."""
    added: tuple[float, ...]
    """The same, the model added, by seed."""
    score_difference: float
    """Mean |difference| of the model's own score from the trained one."""

    @property
    def difference(self) -> float:
        """Mean |difference| of the chosen model's score from that of full training."""
        return float(np.mean(np.abs(np.array(self.added) - self.trained)))


def examples_of(config: PoolConfig, path: Path, model_ids: tuple[str, ...]) -> Examples:
    """Returns the records of a file as the learner reads them."""
    records = read_records(path)
    targets = metric_targets(records, model_ids, config.right_if_positive)
    kept = np.flatnonzero(~np.isnan(targets).all(axis=1))
    return make_examples(
        [records[row].query for row in kept],
        targets=targets[kept],
        weights=np.ones(len(kept)),
        ngram_buckets=CONFIG.ngram_buckets,
        embeddings=None,
    )


def without(examples: Examples, column: int) -> Examples:
    """Returns the queries that another model has a label for, and those labels."""
    targets = np.delete(examples.targets, column, axis=1)
    rows = np.flatnonzero(~np.isnan(targets).all(axis=1)).tolist()
    return dataclasses.replace(
        examples,
        texts=[examples.texts[row] for row in rows],
        bags=[examples.bags[row] for row in rows],
        targets=targets[rows],
        weights=examples.weights[rows],
    )


def added_scores(
    learned: Learned, train: Examples, column: int, test: npt.NDArray[np.float32], seed: int
) -> npt.NDArray[np.float64]:
    """Returns the scores of the model that was left out, (N,), fitted to some of its labels."""
    known = np.flatnonzero(~np.isnan(train.targets[:, column]))
    draw = np.random.default_rng(seed)
    rows = draw.choice(known, min(LABELS, len(known)), replace=False)
    weights = learned.class_weights(learned.features(train))[rows]
    labelled = Labelled(
        class_weights=weights,
        targets=train.targets[rows, column].astype(np.float64),
        weights=np.ones(len(rows)),
    )
    chances = learned.class_weights(test) @ fit_new_model(labelled, learned.success)
    return learned.calibration.mean().scores(chances[:, None])[:, 0]


def rows_of(config: PoolConfig, data: Path, *, models: int) -> list[Row]:
    """Returns one row per model left out: the best, the worst, and some in between."""
    model_ids = model_ids_of(read_records(data / config.train))
    train = examples_of(config, data / config.train, model_ids)
    test = examples_of(config, data / next(iter(config.tests.values())), model_ids)
    everything = learn(train, config=CONFIG, seed=0)
    full = everything.scores(everything.features(test))
    trained = 100 * ranking_figures(full, test.targets).mean_score
    order = np.argsort(-mean_by_model(train.targets))
    rows = []
    for place in np.unique(np.linspace(0, len(order) - 1, models).round().astype(int)):
        column = int(order[place])
        learned = learn(without(train, column), config=CONFIG, seed=0)
        features = learned.features(test)
        others = learned.scores(features)
        ours = [added_scores(learned, train, column, features, seed) for seed in range(SEEDS)]
        nothing = np.insert(others, column, -1.0, axis=1)
        rows.append(
            Row(
                pool=config.name,
                model=model_ids[column],
                trained=trained,
                absent=100 * ranking_figures(nothing, test.targets).mean_score,
                added=tuple(
                    100
                    * ranking_figures(
                        np.insert(others, column, each, axis=1), test.targets
                    ).mean_score
                    for each in ours
                ),
                score_difference=float(np.mean([np.abs(e - full[:, column]) for e in ours])),
            )
        )
    return rows


def table(rows: list[Row]) -> str:
    """Returns a Markdown table, with the mean of every pool and of all pools."""
    lines = [
        "| pool | left out | not added | added | all trained | abs. difference | of its scores |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    means = []
    for pool in dict.fromkeys(row.pool for row in rows):
        ours = [row for row in rows if row.pool == pool]
        lines += [
            f"| {pool} | {row.model} | {row.absent:.2f} | {np.mean(row.added):.2f} ± "
            f"{np.std(row.added, ddof=1):.2f} | {row.trained:.2f} | {row.difference:.2f} | "
            f"{row.score_difference:.3f} |"
            for row in ours
        ]
        means.append(float(np.mean([row.difference for row in ours])))
        scores = np.mean([row.score_difference for row in ours])
        lines.append(f"| **{pool}** | mean | | | | **{means[-1]:.2f}** | {scores:.3f} |")
    return "\n".join(
        [*lines, f"| **all** | mean of pools | | | | **{np.mean(means):.2f}** | |", ""]
    )


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    parser.add_argument("--pool", action="append", help="only this pool; repeatable")
    parser.add_argument("--models", type=int, default=5, help="models to leave out of each pool")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    configs = {config.name: config for config in read_pools()}
    rows: list[Row] = []
    for name in options.pool or POOLS:
        rows += rows_of(configs[name], options.data, models=options.models)
        sys.stderr.write(table(rows))
    heading = page_head(
        f"Adding a model from {LABELS} labelled queries",
        f"""Command: `python -m tests.bench.bench_add_model`. Score of the chosen model in points,
        {SEEDS} draws of the labelled queries.""",
    )
    report = heading + table(rows)
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
