"""Recorded pools, each with a scorer that knows neither its models nor its queries. Needs torch.

What was learned is kept below `build/examination`, since it takes minutes for each pool.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import model_ids_of, read_records
from scorer.evaluation.dataset import metric_targets
from scorer.evaluation.pools import Average
from scorer.training.mixture.examples import Examples, make_examples
from scorer.training.mixture.learner import learn
from scorer.training.recipe import LearnerConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.data.records import Record
    from scorer.evaluation.pools import PoolConfig
    from scorer.training.calibrate import Calibration
    from scorer.training.mixture.learner import Learned

    Floats = npt.NDArray[np.float64]

CONFIG = LearnerConfig()
CACHE = Path("build/examination")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recorded:
    """A recorded pool, and what a scorer without its models makes of its queries."""

    name: str
    model_ids: tuple[str, ...]
    tasks: tuple[str, ...]
    """Of the training rows."""
    labels: Floats
    """Of the training rows, (N, M)."""
    weights: Floats
    """Class weights of the training rows, (N, K)."""
    test_labels: Floats
    test_weights: Floats
    test_strata: tuple[str, ...]
    success: Floats
    """Of the other models, (K, M')."""
    calibration: Calibration
    trained: Floats
    """Scores of the test rows by a scorer that was trained on all labels of this pool."""

    def outcomes(self, scores: Floats) -> Floats:
        """Returns the score of the model that is ranked first, of each test row."""
        known = ~np.isnan(self.test_labels)
        first = np.where(known, scores, -np.inf).argmax(axis=1)
        outcomes: Floats = np.nan_to_num(self.test_labels[np.arange(len(first)), first])
        return outcomes

    def mean(self, outcomes: Floats) -> float:
        """Returns the pool's mean of outcomes, in points."""
        strata = np.array(self.test_strata)
        return 100 * float(np.mean([outcomes[strata == each].mean() for each in set(strata)]))


def recorded(config: PoolConfig, configs: dict[str, PoolConfig], data: Path) -> Recorded:
    """Returns a pool; learning takes minutes, so it is kept."""
    kept = CACHE / f"{config.name}.pickle"
    if kept.exists():
        found: Recorded = pickle.loads(kept.read_bytes())  # noqa: S301  # our own file
        return found
    train, test = (
        read_records(data / file) for file in (config.train, next(iter(config.tests.values())))
    )
    model_ids = model_ids_of(train)
    labels, test_labels = (
        metric_targets(rows, model_ids, config.right_if_positive) for rows in (train, test)
    )
    everything = learn(examples_of(train, labels), config=CONFIG, seed=0)
    others = learn_others(config, configs, data, model_ids, [*train, *test])
    macro = config.average is Average.MACRO
    made = Recorded(
        name=config.name,
        model_ids=model_ids,
        tasks=tuple(record.task for record in train),
        labels=labels.astype(np.float64),
        weights=class_weights(others, train),
        test_labels=test_labels.astype(np.float64),
        test_weights=class_weights(others, test),
        test_strata=tuple(record.task if macro else "" for record in test),
        success=others.success,
        calibration=others.calibration,
        trained=everything.scores(everything.features(unlabelled(test))),
    )
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(pickle.dumps(made))
    return made


def learn_others(
    config: PoolConfig,
    configs: dict[str, PoolConfig],
    data: Path,
    model_ids: tuple[str, ...],
    ours: list[Record],
) -> Learned:
    """Returns a scorer that was trained on the other pools, without our models and queries."""
    queries = {plain(record.query) for record in ours}
    records: list[Record] = []
    labels = []
    pools = [other for other in configs.values() if other.name != config.name]
    read = {
        other.name: [r for r in read_records(data / other.train) if plain(r.query) not in queries]
        for other in pools
    }
    ids = tuple(sorted({m for rows in read.values() for m in model_ids_of(rows)} - set(model_ids)))
    for other in pools:
        records += read[other.name]
        labels.append(metric_targets(read[other.name], ids, other.right_if_positive))
    return learn(examples_of(records, np.concatenate(labels)), config=CONFIG, seed=0)


def plain(query: str) -> str:
    """Returns a query without what does not matter to tell it from another."""
    return " ".join(query.split()).casefold()


def examples_of(records: list[Record], labels: npt.NDArray[np.float32]) -> Examples:
    """Returns the rows with a label, as the learner reads them."""
    kept = np.flatnonzero(~np.isnan(labels).all(axis=1))
    return make_examples(
        [records[row].query for row in kept],
        targets=labels[kept],
        weights=np.ones(len(kept)),
        ngram_buckets=CONFIG.ngram_buckets,
        embeddings=None,
    )


def unlabelled(records: list[Record]) -> Examples:
    """Returns rows without labels, as the learner reads them."""
    return make_examples(
        [record.query for record in records],
        targets=np.empty((len(records), 0), dtype=np.float32),
        weights=np.ones(len(records)),
        ngram_buckets=CONFIG.ngram_buckets,
        embeddings=None,
    )


def class_weights(learned: Learned, records: list[Record]) -> Floats:
    """Returns the class weights of queries, (N, K)."""
    return learned.class_weights(learned.features(unlabelled(records)))
