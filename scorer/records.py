"""Routing records on disk -> validated records, splits and label matrices.

``*.jsonl[.gz] -> Record(query, scores) -> split by seed -> targets (N, M), NaN where no label``

One record per line: ``{"id", "task", "query", "scores": {model: 0..1}}``. An optional ``question``
is the part of the query that a user asked, without worked examples, and is what gets routed.
Further fields are allowed and ignored. A record need not have a score for every model.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.fields import ProblemsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt


class RecordsError(ProblemsError):
    """Raised when a file of records cannot be used; each problem has its line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One query and what the models that were tried on it achieved."""

    id: str
    task: str
    query: str
    """The text that is routed."""
    scores: Mapping[str, float]
    """Score in [0, 1] by model; a model that is not here was not tried."""


def read_records(path: Path) -> list[Record]:
    """Reads a file of routing records.

    Raises:
        RecordsError: The file cannot be read, is empty or has a bad line; every one is listed.
    """
    records: list[Record] = []
    problems: list[str] = []
    lines_by_id: dict[str, int] = {}
    try:
        for number, line in enumerate(_lines(path), start=1):
            if not line.strip():
                continue
            record, found = _parse(line)
            if record is None:
                problems += [f"line {number}: {problem}" for problem in found]
                continue
            first = lines_by_id.setdefault(record.id, number)
            if first != number:
                problems.append(f"line {number}: id {record.id!r} is already on line {first}")
            records.append(record)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        problems.append(f"cannot be read: {error}")
    if not records and not problems:
        problems.append("holds no record")
    if problems:
        raise RecordsError(path, problems)
    return records


def write_records(path: Path, records: Sequence[Record]) -> None:
    """Writes records as gzip JSON lines; the same records give the same bytes."""
    lines = "".join(json.dumps(asdict(record), ensure_ascii=False) + "\n" for record in records)
    path.write_bytes(gzip.compress(lines.encode(), mtime=0))


def model_ids_of(records: Sequence[Record]) -> tuple[str, ...]:
    """Returns every model that any record has a score for, sorted by name."""
    return tuple(sorted({model_id for record in records for model_id in record.scores}))


def split_records(
    records: Sequence[Record], *, validation_fraction: float, seed: int
) -> tuple[list[Record], list[Record]]:
    """Returns training and validation records.

    The text and the seed alone decide the side, so records of one text stay together whatever file
    or line they are on.
    """
    train: list[Record] = []
    validation: list[Record] = []
    for record in records:
        digest = hashlib.sha256(f"{seed}:{record.query}".encode()).digest()
        share = int.from_bytes(digest[:8]) / 2**64
        (validation if share < validation_fraction else train).append(record)
    return train, validation


def targets_of(records: Sequence[Record], model_ids: Sequence[str]) -> npt.NDArray[np.float32]:
    """Returns the scores as a matrix (N, M), NaN where a record has none for a model."""
    targets = np.full((len(records), len(model_ids)), np.nan, dtype=np.float32)
    columns = {model_id: column for column, model_id in enumerate(model_ids)}
    for row, record in enumerate(records):
        for model_id, score in record.scores.items():
            if model_id in columns:
                targets[row, columns[model_id]] = score
    return targets


def _lines(path: Path) -> Iterator[str]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from file
    else:
        with path.open(encoding="utf-8") as file:
            yield from file


def _parse(line: str) -> tuple[Record | None, list[str]]:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        return None, [f"is not JSON: {error}"]
    if not isinstance(fields, dict):
        return None, ["is not an object"]
    problems = [
        f"{name} must be a text that is not empty"
        for name in ("id", "task", "query")
        if not _is_text(fields.get(name))
    ]
    if "question" in fields and not _is_text(fields["question"]):
        problems.append("question must be a text that is not empty, or absent")
    problems += _score_problems(fields.get("scores"))
    if problems:
        return None, problems
    query: str = fields.get("question") or fields["query"]
    scores = {model_id: float(score) for model_id, score in fields["scores"].items()}
    return Record(id=fields["id"], task=fields["task"], query=query, scores=scores), []


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _score_problems(scores: object) -> list[str]:
    if not isinstance(scores, dict) or not scores:
        return ["scores must be an object with at least one model"]
    return [
        f"scores: {model_id!r} must be a number in [0, 1], is {json.dumps(score)}"
        for model_id, score in scores.items()
        if not _is_score(score)
    ]


def _is_score(score: object) -> bool:
    if isinstance(score, bool) or not isinstance(score, int | float):
        return False
    return math.isfinite(score) and 0 <= score <= 1
