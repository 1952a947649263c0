"""A folder of recorded answers -> the models, train and test records that an evaluation needs.

The folder holds ``train.jsonl.gz`` and ``test.jsonl.gz`` (id, task, query or question, scores and
optionally responses and cost_usd by model), and ``responses_test.jsonl.gz`` where the responses
stand apart, as ``responses_train.jsonl.gz`` for the train records.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from routemoa.cli.evaluation.tokens import prompt_tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from routemoa.cli.evaluation.pace import Pace
    from routemoa.cli.evaluation.prices import Price


class PoolFolderError(ValueError):
    """Raised for a folder that cannot be replayed; its text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One query and what is known of every model's answer to it."""

    id: str
    task: str
    query: str
    prompt_tokens: int
    """Of the recorded prompt, which may hold more than the query."""
    scores: Mapping[str, float]
    """How good each model's answer is, in [0, 1]."""
    responses: Mapping[str, str]
    costs_usd: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPool:
    """The recorded models and queries of one folder."""

    name: str
    models: tuple[str, ...]
    train: tuple[Record, ...]
    test: tuple[Record, ...]
    records_file: Path
    """What the replay server reads: the test records."""
    responses_file: Path | None
    """Their responses, where they stand apart."""
    prices: Mapping[str, Price] | None = None
    """List prices, where costs are not recorded."""
    pace: Pace | None = None
    """How fast the models write; None if they answer at once."""

    @property
    def has_costs(self) -> bool:
        """Whether every model's cost of every query is known."""
        records = (*self.train, *self.test)
        return all(model in record.costs_usd for record in records for model in self.models)

    def priced(self, prices: Mapping[str, Price]) -> ReplayPool:
        """Returns the pool with the cost of every recorded call by list prices."""
        return replace(
            self,
            prices=prices,
            train=tuple(_priced(record, prices) for record in self.train),
            test=tuple(_priced(record, prices) for record in self.test),
        )

    def without(self, models: Collection[str]) -> ReplayPool:
        """Returns the pool without some models.

        Raises:
            PoolFolderError: If one of them is not in the pool, or none would be left.
        """
        unknown = sorted(set(models) - set(self.models))
        if unknown:
            raise PoolFolderError(f"not in the pool: {', '.join(unknown)}")
        left = tuple(model for model in self.models if model not in set(models))
        if not left:
            raise PoolFolderError("no model would be left in the pool")
        return replace(self, models=left)


def load_replay_pool(folder: Path) -> ReplayPool:
    """Loads a pool folder; its models are those with a score and a response to every test query.

    Raises:
        PoolFolderError: If files are missing or not in the format; all missing ones are named.
    """
    records_file, train_file = folder / "test.jsonl.gz", folder / "train.jsonl.gz"
    missing = [path.name for path in (train_file, records_file) if not path.is_file()]
    if missing:
        raise PoolFolderError(
            f"{folder} is not a pool folder: it has no {' and no '.join(missing)}"
        )
    responses_file = folder / "responses_test.jsonl.gz"
    apart = responses_file.is_file()
    test = tuple(_records(records_file, _responses(responses_file)))
    train = tuple(_records(train_file, _responses(folder / "responses_train.jsonl.gz")))
    if not train or not test:
        raise PoolFolderError(f"{folder} has no train or no test records")
    models = set(test[0].responses)
    for record in (*test, *train):
        models &= record.scores.keys()
    for record in test:
        models &= record.responses.keys()
    if not models:
        raise PoolFolderError(f"{folder}: no model has a score and a response to every query")
    return ReplayPool(
        name=folder.resolve().name,
        models=tuple(sorted(models)),
        train=train,
        test=test,
        records_file=records_file,
        responses_file=responses_file if apart else None,
    )


def _priced(record: Record, prices: Mapping[str, Price]) -> Record:
    costs_usd = {
        model: prices[model].cost_usd(record.query, reply)
        for model, reply in record.responses.items()
        if model in prices
    }
    return replace(record, costs_usd=costs_usd)


def _responses(path: Path) -> Mapping[str, Mapping[str, str]]:
    return {row["id"]: row["responses"] for row in _rows(path)} if path.is_file() else {}


def _records(path: Path, responses: Mapping[str, Mapping[str, str]]) -> Iterator[Record]:
    seen = set()
    for row in _rows(path):
        try:
            record = Record(
                id=row["id"],
                task=row["task"],
                query=row.get("question") or row["query"],
                prompt_tokens=prompt_tokens(row["query"]),
                scores=row["scores"],
                responses=row.get("responses") or responses.get(row["id"], {}),
                costs_usd=row.get("cost_usd", {}),
            )
        except (KeyError, TypeError) as error:
            raise PoolFolderError(f"{path}: a record lacks {error}") from error
        # The replay finds an answer by the query's text, so only the first of equals can be asked.
        if record.query.strip() not in seen:
            seen.add(record.query.strip())
            yield record


def _rows(path: Path) -> Iterator[Any]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
    except (OSError, EOFError, ValueError) as error:
        raise PoolFolderError(f"{path} cannot be read: {error}") from error
