"""Converts event logs of OpenAI's evals (``oaieval --record_path``).

The first line of a log has the run's specification, with the model; then each sample has events. The
query is the first prompt that the sample sent, without the system's and worked examples' messages.
The score is the sample's ``match``, or a number or boolean of its ``metrics``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scorer.data.converters.conversion import converted
from scorer.data.converters.prompt_text import prompt_text
from scorer.data.converters.rows import Row, scaled
from scorer.data.documents import as_list, as_object, as_text, files_below
from scorer.data.lines import NotAnObjectError, Problems, numbered_lines, parse_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from scorer.data.converters.conversion import Conversion
    from scorer.data.converters.scores.scale import Scale
    from scorer.data.records import Record

DEFAULT_METRICS = ("correct", "score", "accuracy", "choice")
NO_SCORE = "samples without a score"


@dataclass(slots=True)
class _Sample:
    line: int
    query: str = ""
    scores: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class _Log:
    model: str = ""
    task: str = ""
    samples: dict[str, _Sample] = field(default_factory=dict)


def convert(
    paths: Sequence[Path],
    conversion: Conversion,
    *,
    metric: str | None = None,
    scale: Scale | None = None,
) -> Iterator[Record]:
    """Yields the records of logs, and of all .jsonl files below folders.

    Args:
        paths: Files and folders.
        conversion: Gets the problems and the notes.
        metric: The metric that is the score; by default one of ``DEFAULT_METRICS``.
        scale: The range of the scores; by default it is found.

    Raises:
        ConversionError: At the end, if there was a problem or no record.
    """

    def candidates() -> Iterator[tuple[str, dict[str, object]]]:
        files = files_below(paths, ("*.jsonl", "*.jsonl.gz"), conversion.problems)
        rows = [row for path in files for row in _rows(path, metric, conversion)]
        yield from scaled(rows, scale, conversion)

    return converted(candidates(), conversion.problems)


def _rows(path: Path, metric: str | None, conversion: Conversion) -> Iterator[Row]:
    log = _read(path, conversion.problems)
    for sample_id, sample in log.samples.items():
        where = f"{path}: line {sample.line}: sample {sample_id}"
        wanted = (metric,) if metric else DEFAULT_METRICS
        name = next((name for name in wanted if name in sample.scores), None)
        if name is None:
            if sample.scores:
                has = ", ".join(sample.scores)
                conversion.problems.add(
                    f"{where}: has no metric {' or '.join(wanted)}; --metric names one of {has}"
                )
            else:
                conversion.notes.left_out[NO_SCORE] += 1
            continue
        yield Row(
            where=where, query=sample.query, cells={log.model: sample.scores[name]}, task=log.task
        )


def _read(path: Path, problems: Problems) -> _Log:
    log = _Log()
    found = Problems()
    for number, text in numbered_lines(path, found):
        try:
            event = parse_object(text)
        except NotAnObjectError as error:
            found.add(f"line {number}: {error}")
            continue
        if "spec" in event:
            spec = as_object(event["spec"])
            names = [as_text(name) for name in as_list(spec.get("completion_fns"))]
            log.model = next((name for name in names if name), "") or as_text(
                spec.get("model_name")
            )
            log.task = as_text(spec.get("base_eval")) or as_text(spec.get("eval_name"))
        elif "sample_id" in event:
            _add(log, number, event)
    if not log.model and not found:
        found.add("has no first line with the run's spec and its completion_fns")
    for problem in found.listed:
        problems.add(f"{path}: {problem}")
    problems.unlisted += found.unlisted
    return log if log.model else _Log()


def _add(log: _Log, line: int, event: Mapping[str, object]) -> None:
    sample_id = event["sample_id"]
    if not isinstance(sample_id, str):
        return  # events of the whole run
    sample = log.samples.setdefault(sample_id, _Sample(line=line))
    data = as_object(event.get("data"))
    if event.get("type") == "sampling":
        # Later prompts of a sample are those of a grader.
        sample.query = sample.query or prompt_text(data.get("prompt"))
    elif event.get("type") in {"match", "metrics"}:
        for name, value in data.items():
            if isinstance(value, bool | int | float) or name in DEFAULT_METRICS:
                sample.scores.setdefault(name, value)
