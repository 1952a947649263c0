"""Converts results of ``promptfoo eval -o``, as .json or .jsonl.

A result is one test with one prompt and one provider. The query is the prompt as it was sent, of chat
messages the user's, or a variable of the test. The model is the provider's label, or its id. Results
with an error are left out; those that failed their assertions have a score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.data.converters.conversion import converted
from scorer.data.converters.prompt_text import prompt_text
from scorer.data.converters.rows import Row, scaled
from scorer.data.converters.tables.json_rows import open_json
from scorer.data.documents import as_amount, as_list, as_object, as_text, files_below, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from scorer.data.converters.conversion import Conversion
    from scorer.data.converters.scores.scale import Scale
    from scorer.data.records import Record

FAILED = "results with an error"
_ERROR = 2
"""The ``failureReason`` of a call that failed; 1 is that of an assertion."""


def convert(
    paths: Sequence[Path],
    conversion: Conversion,
    *,
    metric: str | None = None,
    query_field: str | None = None,
    scale: Scale | None = None,
) -> Iterator[Record]:
    """Yields the records of files, and of all .json and .jsonl files below folders.

    Args:
        paths: Files and folders.
        conversion: Gets the problems and the notes.
        metric: The named score to use, or ``pass``; by default the result's score.
        query_field: The variable of the test that is the query; by default the prompt.
        scale: The range of the scores; by default it is found.

    Raises:
        ConversionError: At the end, if there was a problem or no record.
    """
    rows = (
        row
        for path in files_below(paths, ("*.json", "*.jsonl"), conversion.problems)
        for row in _rows(path, metric, query_field, conversion)
    )
    return converted(_scaled(rows, scale, conversion), conversion.problems)


def _scaled(
    rows: Iterator[Row], scale: Scale | None, conversion: Conversion
) -> Iterator[tuple[str, dict[str, object]]]:
    yield from scaled(list(rows), scale, conversion)


def _rows(
    path: Path, metric: str | None, query_field: str | None, conversion: Conversion
) -> Iterator[Row]:
    problems = conversion.problems
    for number, result in _results(path, conversion):
        where = f"{path}: result {number}"
        response = as_object(result.get("response"))
        if result.get("failureReason") == _ERROR or (result.get("error") and not response):
            conversion.notes.left_out[FAILED] += 1
            continue
        model = _model(result.get("provider"))
        if not model:
            problems.add(f"{where}: names no provider")
            continue
        query = _query(result, query_field)
        if query is None:
            names = ", ".join(as_object(result.get("vars"))) or "none"
            problems.add(f"{where}: has no variable {query_field!r}; it has {names}")
            continue
        found = _scores(result)
        if metric is not None and metric not in found:
            problems.add(f"{where}: has no score {metric!r}; it has {', '.join(found)}")
            continue
        yield Row(
            where=where,
            query=query,
            cells={model: found[metric or "score"]},
            amounts={name: {model: value} for name, value in _amounts(result, response).items()},
        )


def _results(path: Path, conversion: Conversion) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yields the results of a file with their numbers."""
    if path.name.removesuffix(".gz").endswith(".jsonl"):
        file = open_json(path, conversion.problems)
        yield from file.rows(conversion.problems) if file else ()
        return
    known = len(conversion.problems)
    document = read_document(path, conversion.problems)
    # Version 2 and later have the list in an object.
    inner = as_object(document).get("results")
    results = as_list(inner) or as_list(as_object(inner).get("results"))
    if not results and len(conversion.problems) == known:
        conversion.problems.add(f"{path}: holds no results of promptfoo eval")
    for number, result in enumerate(results, 1):
        yield number, as_object(result)


def _model(provider: object) -> str:
    if isinstance(provider, str):
        return provider
    fields = as_object(provider)
    return as_text(fields.get("label")) or as_text(fields.get("id"))


def _query(result: Mapping[str, object], query_field: str | None) -> str | None:
    """Returns the query, or None where the test has no such variable."""
    if query_field is None:
        prompt = result.get("prompt")
        return prompt_text(as_object(prompt).get("raw") if isinstance(prompt, dict) else prompt)
    variables = as_object(result.get("vars")) or as_object(
        as_object(result.get("testCase")).get("vars")
    )
    return prompt_text(variables[query_field]) if query_field in variables else None


def _scores(result: Mapping[str, object]) -> dict[str, object]:
    named = as_object(result.get("namedScores"))
    return {"score": result.get("score"), "pass": result.get("success"), **named}


def _amounts(result: Mapping[str, object], response: Mapping[str, object]) -> dict[str, float]:
    usage = as_object(response.get("tokenUsage"))
    latency = as_amount(result.get("latencyMs"))
    found = {
        "cost_usd": as_amount(result.get("cost")) or as_amount(response.get("cost")),
        "prompt_tokens": as_amount(usage.get("prompt")),
        "completion_tokens": as_amount(usage.get("completion")),
        # A reply from promptfoo's cache says nothing of the model's time.
        "latency_s": None if response.get("cached") or latency is None else latency / 1000,
    }
    return {name: value for name, value in found.items() if value}
