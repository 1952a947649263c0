"""Converts exports of Langfuse.

A score belongs to an observation, which has the model, or to a trace; a trace counts if all of its
observations have one model. The query is the input of the observation or of the trace; of chat
messages, the user's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.data.converters.conversion import converted
from scorer.data.converters.prompt_text import prompt_text
from scorer.data.converters.rows import Row, scaled
from scorer.data.converters.tools.langfuse_export import Export
from scorer.data.documents import as_amount, as_object, files_below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scorer.data.converters.conversion import Conversion
    from scorer.data.converters.scores.scale import Scale
    from scorer.data.converters.tools.langfuse_export import Observation, Score
    from scorer.data.records import Record

PATTERNS = ("*.csv", "*.json", "*.jsonl", "*.csv.gz", "*.json.gz", "*.jsonl.gz")
NO_MODEL = "scores of traces without an observation that names a model"
SEVERAL_MODELS = "scores of traces with several models"
NO_INPUT = "scores of observations and traces without an input"
_NAMES_OF_COST = ("totalCost", "calculatedTotalCost")


def convert(
    paths: Sequence[Path],
    conversion: Conversion,
    *,
    metric: str | None = None,
    query_field: str | None = None,
    scale: Scale | None = None,
) -> Iterator[Record]:
    """Yields the records of exports, which are joined with one another.

    Args:
        paths: Files, and folders with files anywhere below them.
        conversion: Gets the problems and the notes.
        metric: The name of the score; it may be absent if there is one only.
        query_field: The field of the input that is the query; by default it is found.
        scale: The range of the scores; by default it is found.

    Raises:
        ConversionError: At the end, if there was a problem or no record.
    """

    def candidates() -> Iterator[tuple[str, dict[str, object]]]:
        export = Export()
        for path in files_below(paths, PATTERNS, conversion.problems):
            export.add_file(path, conversion)
        scores = _of_one_name(export, metric, conversion)
        rows = [_row(score, export, query_field, conversion) for score in scores]
        yield from scaled([row for row in rows if row is not None], scale, conversion)

    return converted(candidates(), conversion.problems)


def _of_one_name(export: Export, metric: str | None, conversion: Conversion) -> list[Score]:
    """Returns the scores that have the name that was told, or the only name."""
    names = sorted({score.name for score in export.scores.values()})
    if metric is None and len(names) == 1:
        metric = names[0]
    if metric in names:
        conversion.notes.choose(f"score: {metric}")
        return [score for score in export.scores.values() if score.name == metric]
    if not names:
        problem = "the exports hold no score: export the scores, or traces with their scores"
    elif metric is None:
        problem = f"the exports hold several scores: name one with --metric: {', '.join(names)}"
    else:
        problem = f"the exports hold no score {metric!r}; they hold {', '.join(names)}"
    if not conversion.problems:
        conversion.problems.add(problem)
    return []


def _row(
    score: Score, export: Export, query_field: str | None, conversion: Conversion
) -> Row | None:
    left_out = conversion.notes.left_out
    own = export.observations.get(score.observation_id)
    calls = [own] if own else export.by_trace.get(score.trace_id, [])
    models = {call.model for call in calls}
    if len(models) != 1:
        left_out[SEVERAL_MODELS if models else NO_MODEL] += 1
        return None
    found = own.fields.get("input") if own else export.inputs.get(score.trace_id)
    if found is None:
        found = calls[0].fields.get("input")
    if query_field is not None:
        found = as_object(found).get(query_field)
    query = prompt_text(found)
    if not query.strip():
        left_out[NO_INPUT] += 1
        return None
    model = calls[0].model
    amounts = _amounts(calls[0]) if len(calls) == 1 else {}
    return Row(
        where=score.where,
        query=query,
        cells={model: score.value},
        amounts={name: {model: value} for name, value in amounts.items()},
    )


def _amounts(call: Observation) -> dict[str, float]:
    """Returns the dollars and tokens of a call; the unit of its latency differs by export."""
    usage = as_object(call.fields.get("usageDetails"))
    costs = as_object(call.fields.get("costDetails"))
    cost = next(
        (value for name in _NAMES_OF_COST if (value := _number(call.fields.get(name)))),
        _number(costs.get("total")),
    )
    found = {
        "cost_usd": cost,
        "prompt_tokens": _number(usage.get("input")),
        "completion_tokens": _number(usage.get("output")),
    }
    return {name: value for name, value in found.items() if value}


def _number(value: object) -> float | None:
    if isinstance(value, str):
        try:
            return as_amount(float(value))
        except ValueError:
            return None
    return as_amount(value)
