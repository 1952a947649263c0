"""Reads, validates and writes routing records, and makes label matrices of them.

``*.jsonl[.gz] -> Record(query, scores, ...) -> matrices (N, M), NaN where nothing is known``

One record per line; ``docs/routing-records.md`` is the format. A record need not know every model.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from scorer.data.lines import NotAnObjectError, Problems, numbered_lines, parse_object
from scorer.data.record_fields import problems_of, tolerated
from scorer.data.staging import staged_file
from scorer.runtime.fields import ProblemsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt


class RecordsError(ProblemsError):
    """Raised when a file of records cannot be used; each problem names its line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A query and the scores of the models that were tried on it."""

    id: str
    query: str
    """The text that is routed."""
    scores: Mapping[str, float]
    """Score in [0, 1] by model; a model without one was not tried."""
    task: str = ""
    """Kind of query; empty if it is not known."""
    costs_usd: Mapping[str, float] = field(default_factory=dict)
    """Dollars by model. This field and those below have only models with a score, not always all."""
    prompt_tokens: Mapping[str, int] = field(default_factory=dict)
    completion_tokens: Mapping[str, int] = field(default_factory=dict)
    latencies_s: Mapping[str, float] = field(default_factory=dict)
    weight: float = 1.0
    """Number of records that this one counts as."""


def read_records(path: Path) -> list[Record]:
    """Reads a file of routing records.

    Raises:
        RecordsError: The file cannot be read, is empty or has bad lines; each one is listed.
    """
    problems = Problems()
    intake = RecordIntake(problems)
    records: list[Record] = []
    for number, line in numbered_lines(path, problems):
        where = f"line {number}"
        try:
            fields = parse_object(line)
        except NotAnObjectError as error:
            problems.add(f"{where}: {error}")
            continue
        record = intake.take(fields, where)
        if record:
            records.append(record)
    if not records and not problems:
        problems.add("holds no record")
    if problems:
        raise RecordsError(path, problems.listed, unlisted=problems.unlisted)
    return records


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Writes JSON lines, gzip if the name ends in ``.gz``; the same records give the same bytes.

    Raises:
        FileExistsError: ``path`` exists; nothing is ever overwritten.
    """
    write_lines(path, (json.dumps(_fields_of(record), ensure_ascii=False) for record in records))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Writes lines as ``write_records`` does; the file appears complete or not at all."""
    with staged_file(path) as temporary, temporary.open("wb") as raw:
        # No name and no date, so that the same lines give the same bytes.
        file = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if path.suffix == ".gz" else raw
        with cast("IO[bytes]", file) as output:
            output.writelines(f"{line}\n".encode() for line in lines)


def model_ids_of(records: Iterable[Record]) -> tuple[str, ...]:
    """Returns every model that any record has a score for, sorted by name."""
    return tuple(sorted({model_id for record in records for model_id in record.scores}))


def one_class_models(records: Iterable[Record]) -> tuple[str, ...]:
    """Returns the models that have the same score in all records."""
    seen: dict[str, set[float]] = {}
    for record in records:
        for model_id, score in record.scores.items():
            seen.setdefault(model_id, set()).add(score)
    return tuple(sorted(model_id for model_id, scores in seen.items() if len(scores) == 1))


def unknown_models(test: Iterable[Record], *, train: Iterable[Record]) -> tuple[str, ...]:
    """Returns the models that have a score in ``test`` and none in ``train``."""
    return tuple(sorted(set(model_ids_of(test)) - set(model_ids_of(train))))


def targets_of(records: Sequence[Record], model_ids: Sequence[str]) -> npt.NDArray[np.float32]:
    """Returns the scores as a matrix (N, M), NaN where a record has none for a model."""
    return matrix_of([record.scores for record in records], model_ids)


def matrix_of(
    rows: Sequence[Mapping[str, float]], model_ids: Sequence[str]
) -> npt.NDArray[np.float32]:
    """Returns amounts by model, such as dollars, as a matrix (N, M), NaN where there is none."""
    matrix = np.full((len(rows), len(model_ids)), np.nan, dtype=np.float32)
    columns = {model_id: column for column, model_id in enumerate(model_ids)}
    for row, amounts in enumerate(rows):
        for model_id, amount in amounts.items():
            if model_id in columns:
                matrix[row, columns[model_id]] = amount
    return matrix


class RecordIntake:
    """Validates records one by one; no id may come twice, but one made here gets a number then."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._first: dict[str, str] = {}

    def take(self, fields: Mapping[str, object], where: str) -> Record | None:
        """Returns the record, or None after adding its problems, each beginning with ``where``."""
        has_id = fields.get("id") is not None
        fields = tolerated(fields)
        found = problems_of(fields)
        for problem in found:
            self._problems.add(f"{where}: {problem}")
        if found:
            return None
        record = _record_of(cast("Mapping[str, Any]", fields))
        if not has_id:
            record = replace(record, id=self._free(record.id))
        first = self._first.setdefault(record.id, where)
        if first != where:
            self._problems.add(f"{where}: id {record.id!r} is already on {first}")
        return record

    def _free(self, record_id: str) -> str:
        """Returns an id, with a number behind it if it is taken."""
        number, free = 1, record_id
        while free in self._first:
            number += 1
            free = f"{record_id}-{number}"
        return free


def _record_of(fields: Mapping[str, Any]) -> Record:
    def amounts(name: str) -> dict[str, float]:
        return {model: float(amount) for model, amount in fields.get(name, {}).items()}

    return Record(
        id=fields["id"],
        task=fields.get("task", ""),
        query=fields.get("question") or fields["query"],
        scores=amounts("scores"),
        costs_usd=amounts("cost_usd"),
        prompt_tokens=fields.get("prompt_tokens", {}),
        completion_tokens=fields.get("completion_tokens", {}),
        latencies_s=amounts("latency_s"),
        weight=float(fields.get("weight", 1)),
    )


def _fields_of(record: Record) -> dict[str, object]:
    fields: dict[str, object] = {"id": record.id}
    if record.task:
        fields["task"] = record.task
    fields |= {"query": record.query, "scores": record.scores}
    optional: dict[str, Mapping[str, float]] = {
        "cost_usd": record.costs_usd,
        "prompt_tokens": record.prompt_tokens,
        "completion_tokens": record.completion_tokens,
        "latency_s": record.latencies_s,
    }
    fields |= {name: amounts for name, amounts in optional.items() if amounts}
    return fields if record.weight == 1 else fields | {"weight": record.weight}
