"""A folder of recorded answers -> the models and queries of an evaluation.

The folder holds routing records (`docs/routing-records.md`) in ``train.jsonl.gz`` and
``test.jsonl.gz``, each with ``responses`` by model, or with them in ``responses_train.jsonl.gz`` and
``responses_test.jsonl.gz`` (``id``, ``responses``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scorer.data.lines import UNREADABLE, open_binary
from scorer.data.records import RecordsError, read_records
from services.simulator.stream import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from services.evaluation.answers.pacing import ReplayPacing
    from services.evaluation.answers.prices import Price


class PoolFolderError(ValueError):
    """Raised for a folder that cannot be replayed; its text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedQuery:
    """One query with every model's recorded answer, score and cost."""

    id: str
    task: str
    query: str
    prompt_tokens: int
    """Estimate for the recorded prompt, which may hold more than the query."""
    scores: Mapping[str, float]
    """Score of each model's answer, in [0, 1]."""
    responses: Mapping[str, str]
    costs_usd: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPool:
    """The recorded models and queries of one folder."""

    name: str
    models: tuple[str, ...]
    train: tuple[RecordedQuery, ...]
    test: tuple[RecordedQuery, ...]
    records_file: Path
    """The test records, which the simulator reads."""
    responses_file: Path | None
    """Responses of the test records, unless the records hold them."""
    prices: Mapping[str, Price] | None = None
    """List prices, if costs are not recorded."""
    pacing: ReplayPacing | None = None
    """Writing speed of the models; None if they answer at once."""

    @property
    def has_costs(self) -> bool:
        """True if every model's cost of every query is known."""
        queries = (*self.train, *self.test)
        return all(model in query.costs_usd for query in queries for model in self.models)

    def priced(self, prices: Mapping[str, Price]) -> RecordedPool:
        """Returns the pool with the cost of every recorded call by list prices."""
        return replace(
            self,
            prices=prices,
            train=tuple(_priced(query, prices) for query in self.train),
            test=tuple(_priced(query, prices) for query in self.test),
        )

    def without(self, models: Collection[str]) -> RecordedPool:
        """Returns the pool without some models.

        Raises:
            PoolFolderError: One of them is not in the pool, or none would be left.
        """
        unknown = sorted(set(models) - set(self.models))
        if unknown:
            raise PoolFolderError(f"not in the pool: {', '.join(unknown)}")
        left = tuple(model for model in self.models if model not in set(models))
        if not left:
            raise PoolFolderError("no model would be left in the pool")
        return replace(self, models=left)


def load_recorded_pool(folder: Path) -> RecordedPool:
    """Loads a pool folder; its models are those with a score and a response to every test query.

    Raises:
        PoolFolderError: Files are missing or not in the format; all missing ones are named.
    """
    test_file, train_file = folder / "test.jsonl.gz", folder / "train.jsonl.gz"
    missing = [path.name for path in (train_file, test_file) if not path.is_file()]
    if missing:
        raise PoolFolderError(
            f"{folder} is not a pool folder: it has no {' and no '.join(missing)}"
        )
    responses_file = folder / "responses_test.jsonl.gz"
    test = _read_queries(test_file, responses_file)
    train = _read_queries(train_file, folder / "responses_train.jsonl.gz")
    models = set(test[0].responses)
    for query in (*test, *train):
        models &= query.scores.keys()
    for query in test:
        models &= query.responses.keys()
    if not models:
        raise PoolFolderError(f"{folder}: no model has a score and a response to every query")
    return RecordedPool(
        name=folder.resolve().name,
        models=tuple(sorted(models)),
        train=train,
        test=test,
        records_file=test_file,
        responses_file=responses_file if responses_file.is_file() else None,
    )


def _priced(query: RecordedQuery, prices: Mapping[str, Price]) -> RecordedQuery:
    costs_usd = {
        model: prices[model].cost_usd(query.query, reply)
        for model, reply in query.responses.items()
        if model in prices
    }
    return replace(query, costs_usd=costs_usd)


def _read_queries(records_file: Path, responses_file: Path) -> tuple[RecordedQuery, ...]:
    try:
        records = {record.id: record for record in read_records(records_file)}
        responses = (
            {row["id"]: row["responses"] for row in _rows(responses_file)}
            if responses_file.is_file()
            else {}
        )
    except RecordsError as error:
        raise PoolFolderError(str(error)) from error
    except (KeyError, TypeError) as error:
        raise PoolFolderError(f"{responses_file}: a line lacks {error}") from error
    queries: dict[str, RecordedQuery] = {}
    for row in _rows(records_file):
        record = records[row["id"]]
        query = RecordedQuery(
            id=record.id,
            task=record.task,
            query=record.query,
            prompt_tokens=estimate_tokens(row["query"]),
            scores=record.scores,
            responses=row.get("responses") or responses.get(record.id, {}),
            costs_usd=record.costs_usd,
        )
        # The simulator finds an answer by the query's text: of equal texts, only the first is asked.
        queries.setdefault(record.query.strip(), query)
    return tuple(queries.values())


def _rows(path: Path) -> Iterator[Any]:
    try:
        with open_binary(path) as lines:
            yield from (json.loads(line) for line in lines if line.strip())
    except (*UNREADABLE, ValueError) as error:
        raise PoolFolderError(f"{path} cannot be read: {error}") from error
