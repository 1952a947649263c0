"""Reads one sample log of the lm-evaluation-harness."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.data.lines import NotAnObjectError, Problems, numbered_lines, parse_object

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

DEFAULT_METRICS = ("exact_match", "acc")
_REPLIES = frozenset(("resps", "filtered_resps"))
_DOCUMENT = frozenset(("doc_id", "doc", "target", "arguments", "filter", "metrics"))
_HASHES = frozenset(("doc_hash", "prompt_hash", "target_hash"))
_NO_METRICS = _REPLIES | _DOCUMENT | _HASHES
"""Fields of a line that are not metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The metric, filter and field to read from a log; None is the default of each."""

    metric: str | None
    filter_name: str | None
    query_field: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The score of a model on a document."""

    line: int
    number: int
    """Number of the document in its task."""
    digest: str
    """Hash of the document."""
    query: str
    score: float


class _BadSampleError(ValueError):
    pass


def read_log(path: Path, choice: Choice, problems: Problems) -> list[Sample]:
    """Returns the samples of a log, and adds its problems, each beginning with file and line."""
    found = Problems()
    rows: list[tuple[int, dict[str, object]]] = []
    for line, text in numbered_lines(path, found):
        try:
            rows.append((line, _slim(parse_object(text))))
        except NotAnObjectError as error:
            found.add(f"line {line}: {error}")
    if not rows and not found:
        found.add("holds no sample")
    samples: list[Sample] = []
    try:
        filter_name = _filter_of({_filter(row) for _, row in rows}, choice.filter_name)
        metric = _metric_of(rows[0][1], choice.metric) if rows else ""
    except _BadSampleError as error:
        found.add(str(error))
        rows = []
    for line, row in rows:
        if _filter(row) != filter_name:
            continue
        try:
            samples.append(_sample(line, row, metric, choice.query_field))
        except _BadSampleError as error:
            found.add(f"line {line}: {error}")
    for problem in found.listed:
        problems.add(f"{path}: {problem}")
    problems.unlisted += found.unlisted
    return samples


def _slim(row: dict[str, object]) -> dict[str, object]:
    """Returns a row without the replies, which are most of a log."""
    return {name: value for name, value in row.items() if name not in _REPLIES}


def _filter(row: dict[str, object]) -> str:
    return str(row.get("filter", "none"))


def _filter_of(names: Collection[str], wanted: str | None) -> str:
    """Returns the filter to read: the only one, or else the wanted one."""
    if len(names) < 2:
        return next(iter(names), "none")
    if wanted is not None and wanted in names:
        return wanted
    several = ", ".join(sorted(names))
    raise _BadSampleError(f"has results of several filters ({several}): name one with --filter")


def _metric_of(row: dict[str, object], wanted: str | None) -> str:
    known = row.get("metrics")
    names = known if isinstance(known, list) else [name for name in row if name not in _NO_METRICS]
    candidates: tuple[str, ...] = (wanted,) if wanted else DEFAULT_METRICS
    for name in candidates:
        if name in names:
            return name
    asked = " or ".join(candidates)
    has = ", ".join(map(str, names)) or "none"
    raise _BadSampleError(f"has no metric {asked}; --metric names one of those it has ({has})")


def _sample(line: int, row: dict[str, object], metric: str, query_field: str | None) -> Sample:
    number = row.get("doc_id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise _BadSampleError("doc_id must be a whole number")
    score = row.get(metric)
    if not isinstance(score, int | float) or not 0 <= score <= 1:
        raise _BadSampleError(f"{metric} must be a number in [0, 1], is {json.dumps(score)[:40]}")
    return Sample(
        line=line,
        number=number,
        digest=_digest(row),
        query=_field(row, query_field) if query_field else _prompt(row.get("arguments")),
        score=float(score),
    )


def _digest(row: dict[str, object]) -> str:
    digest = row.get("doc_hash")
    if isinstance(digest, str) and digest:
        return digest
    text = json.dumps(row.get("doc"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _field(row: dict[str, object], name: str) -> str:
    document = row.get("doc")
    value = document.get(name) if isinstance(document, dict) else None
    if isinstance(value, str):
        return value
    raise _BadSampleError(f"doc has no text {name!r}")


def _prompt(arguments: object) -> str:
    """Returns the first argument of the first request; old logs have lists, new ones numbered names."""
    for name in ("gen_args_0", "arg_0"):
        if isinstance(arguments, dict):
            arguments = arguments.get(name)
        elif isinstance(arguments, list) and arguments:
            arguments = arguments[0]
    if isinstance(arguments, str):
        return arguments
    raise _BadSampleError(
        "arguments hold no prompt as text: name a field of doc with --query-field"
    )
