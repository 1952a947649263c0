"""A pool's queries with their features, and the labels of each.

``records -> Queries (texts, tasks, features) + targets (N, M) + costs (N, M) = Dataset``

A method fits on a ``Dataset`` and predicts from ``Queries``, which hold no label: that no test label
reaches a method is a matter of types, not of care.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np

from scorer.data.records import matrix_of, model_ids_of, read_records, targets_of
from scorer.data.splits import split_records
from scorer.evaluation.pools import Average

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from scorer.data.records import Record
    from scorer.evaluation.pools import PoolConfig

    Floats = npt.NDArray[np.float32]

ALL_ROWS = "all"
"""Name of the test that holds the rows of all tests of a pool."""


class Features(StrEnum):
    """The features that all methods of a comparison read."""

    NGRAMS = "ngrams"
    """Projected n-grams, as in the edge tier."""
    ENCODER = "encoder"
    """A sentence embedding beside the projected n-grams, as in the base tier."""


class FeatureReader(Protocol):
    """Reads the features of texts."""

    def fitted(self, texts: Sequence[str]) -> Callable[[Sequence[str]], Floats]:
        """Fits itself to training texts; returns a function from texts to features (N, F)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Queries:
    """N queries without any label."""

    texts: tuple[str, ...]
    tasks: tuple[str, ...]
    """The source of each query. A router has no such label; only baselines may read it."""
    features: Floats
    """Unit-length features, the same for every method, (N, F)."""

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset(Queries):
    """N queries and the labels of M models."""

    records: tuple[Record, ...]
    model_ids: tuple[str, ...]
    targets: Floats
    """The scores by the pool's metric, (N, M); NaN where there is no label."""
    costs_usd: Floats | None
    """Dollars of a model's answer, (N, M), NaN where unknown; None if no record has costs."""
    completion_tokens: Floats | None
    """Tokens of a model's answer, (N, M), NaN where unknown; None if no record has any."""
    average: Average

    @property
    def strata(self) -> tuple[str, ...]:
        """The group of each row; a figure is the mean of its groups' means."""
        return self.tasks if self.average is Average.MACRO else ("all",) * len(self)

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """Weight of each row, (N,), summing to 1, with which a mean is the pool's average."""
        names, groups = np.unique(self.strata, return_inverse=True)
        counts = np.array([record.weight for record in self.records])
        totals = np.bincount(groups, weights=counts)
        weights: npt.NDArray[np.float64] = counts / (len(names) * totals[groups])
        return weights

    @property
    def scores(self) -> Floats:
        """The records' scores before the pool's metric, (N, M)."""
        return targets_of(self.records, self.model_ids)

    def queries(self) -> Queries:
        """Returns the same queries without labels."""
        return Queries(texts=self.texts, tasks=self.tasks, features=self.features)

    def take(self, rows: Sequence[int] | npt.NDArray[np.intp]) -> Dataset:
        """Returns the given rows."""
        return dataclasses.replace(
            self,
            texts=tuple(self.texts[row] for row in rows),
            tasks=tuple(self.tasks[row] for row in rows),
            records=tuple(self.records[row] for row in rows),
            features=self.features[rows],
            targets=self.targets[rows],
            costs_usd=None if self.costs_usd is None else self.costs_usd[rows],
            completion_tokens=(
                None if self.completion_tokens is None else self.completion_tokens[rows]
            ),
        )

    def joined(self, other: Dataset) -> Dataset:
        """Returns the rows of both."""
        return dataclasses.replace(
            self,
            texts=self.texts + other.texts,
            tasks=self.tasks + other.tasks,
            records=self.records + other.records,
            features=np.concatenate([self.features, other.features]),
            targets=np.concatenate([self.targets, other.targets]),
            costs_usd=_joined(self.costs_usd, other.costs_usd),
            completion_tokens=_joined(self.completion_tokens, other.completion_tokens),
        )

    def split(self, *, validation_fraction: float, seed: int) -> tuple[Dataset, Dataset]:
        """Returns a training and a validation part; records of one text stay together."""
        _, validation = split_records(
            self.records, validation_fraction=validation_fraction, seed=seed
        )
        held_out = {record.id for record in validation}
        sides = np.array([record.id in held_out for record in self.records])
        return self.take(np.flatnonzero(~sides)), self.take(np.flatnonzero(sides))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """A pool's training data and its tests, all with the same models in the same order."""

    name: str
    train: Dataset
    tests: Mapping[str, Dataset]


def load_pool(config: PoolConfig, data: Path, reader: FeatureReader) -> Pool:
    """Reads a pool's files below ``data``, and the features of its texts.

    Models are those of the training file, since no method can learn another one.

    Raises:
        RecordsError: A file of records has bad lines.
    """
    files = {"train": config.train, **config.tests}
    records = {name: read_records(data / file) for name, file in files.items()}
    model_ids = model_ids_of(records["train"])
    read = reader.fitted([record.query for record in records["train"]])
    sets = {name: _dataset(config, records[name], model_ids, read) for name in files}
    return Pool(
        name=config.name,
        train=sets["train"],
        tests={name: sets[name] for name in config.tests},
    )


def _dataset(
    config: PoolConfig,
    records: list[Record],
    model_ids: tuple[str, ...],
    read: Callable[[Sequence[str]], Floats],
) -> Dataset:
    texts = tuple(record.query for record in records)
    return Dataset(
        texts=texts,
        tasks=tuple(record.task for record in records),
        features=read(texts),
        records=tuple(records),
        model_ids=model_ids,
        targets=metric_targets(records, model_ids, config.right_if_positive),
        costs_usd=_known([record.costs_usd for record in records], model_ids),
        completion_tokens=_known([record.completion_tokens for record in records], model_ids),
        average=config.average,
    )


def metric_targets(
    records: Sequence[Record], model_ids: Sequence[str], right_if_positive: frozenset[str]
) -> Floats:
    """Returns the scores (N, M) by the pool's metric; NaN stays NaN."""
    targets = targets_of(records, model_ids)
    rows = np.array([record.task in right_if_positive for record in records])
    marks = np.where(np.isnan(targets), np.nan, targets > 0).astype(np.float32)
    return np.where(rows[:, None], marks, targets)


def _joined(first: Floats | None, second: Floats | None) -> Floats | None:
    return None if first is None or second is None else np.concatenate([first, second])


def _known(values: Sequence[Mapping[str, float]], model_ids: Sequence[str]) -> Floats | None:
    return matrix_of(values, model_ids) if any(values) else None
