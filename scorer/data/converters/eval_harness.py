"""Converts sample logs of EleutherAI's lm-evaluation-harness.

``<output>/<model>/samples_<task>_<date>.jsonl`` (``--log_samples``) holds one model's results on one
task, a line per document and filter. Documents are joined across models by task, number and hash.
A model's name is the ``model_name`` in the results file of the same date beside the log, else the name
of the folder. The query is the first prompt that the harness sent, or a field of the document where
prompts have worked examples or a model's chat template, which no user writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scorer.data.converters.conversion import converted
from scorer.data.converters.eval_harness_log import Choice, read_log
from scorer.data.lines import NotAnObjectError, Problems, parse_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scorer.data.converters.eval_harness_log import Sample
    from scorer.data.records import Record

_NAME = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(\.\d+)?)\.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    where: str
    """File and line that it was first read from."""
    query: str
    scores: dict[str, float] = field(default_factory=dict)


def convert(
    paths: Sequence[Path],
    *,
    metric: str | None = None,
    filter_name: str | None = None,
    query_field: str | None = None,
) -> Iterator[Record]:
    """Yields the records of log files and of folders with log files anywhere below them.

    Args:
        paths: Files and folders; a model may be in several, but a model's task in one file only.
        metric: The metric that is the score; by default ``exact_match`` or ``acc``.
        filter_name: The filter to read, where a task has several.
        query_field: The field of the document that is the query; by default the prompt as sent.

    Raises:
        ConversionError: At the end, if there was a problem.
    """
    problems = Problems()
    choice = Choice(metric=metric, filter_name=filter_name, query_field=query_field)
    return converted(_candidates(paths, choice, problems), problems)


def _candidates(
    paths: Sequence[Path], choice: Choice, problems: Problems
) -> Iterator[tuple[str, dict[str, object]]]:
    documents: dict[tuple[str, int, str], _Document] = {}
    files: dict[tuple[str, str], Path] = {}
    for path in _logs(paths, problems):
        name = _NAME.fullmatch(path.name)
        if name is None:
            problems.add(f"{path}: is not named samples_<task>_<date>.jsonl")
            continue
        model, task = _model_of(path, name["date"]), name["task"]
        first = files.setdefault((model, task), path)
        if first != path:
            problems.add(f"{path}: {model} has results of {task} in {first} too: keep one")
            continue
        _join(documents, (model, task, path), read_log(path, choice, problems), problems)
    for (task, number, digest), document in documents.items():
        yield (
            document.where,
            {
                "id": f"{task}/{number}/{digest[:12]}",
                "task": task,
                "query": document.query,
                "scores": document.scores,
            },
        )


def _join(
    documents: dict[tuple[str, int, str], _Document],
    source: tuple[str, str, Path],
    samples: Sequence[Sample],
    problems: Problems,
) -> None:
    model, task, path = source
    queries_differ = False
    for sample in samples:
        where = f"{path}: line {sample.line}"
        document = documents.setdefault(
            (task, sample.number, sample.digest), _Document(where=where, query=sample.query)
        )
        if model in document.scores:
            problems.add(f"{where}: document {sample.number} comes twice")
        document.scores[model] = sample.score
        if document.query != sample.query and not queries_differ:
            queries_differ = True
            problems.add(
                f"{where}: the prompt is another than on {document.where} (a chat template, worked "
                "examples?): name the document's field to route with --query-field"
            )


def _logs(paths: Sequence[Path], problems: Problems) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        logs = sorted(path.rglob("samples_*.jsonl"))
        if not logs:
            problems.add(f"{path}: has no samples_*.jsonl below it; was --log_samples given?")
        yield from logs


def _model_of(path: Path, date: str) -> str:
    for results in sorted(path.parent.glob(f"*_{date}.json")):
        try:
            name = parse_object(results.read_text(encoding="utf-8")).get("model_name")
        except (OSError, UnicodeDecodeError, NotAnObjectError):
            continue
        if isinstance(name, str) and name.strip():
            return name
    return path.resolve().parent.name
