"""Reads exports of Langfuse: traces, observations and scores, from the interface, API or storage.

``*.csv, *.json, *.jsonl -> Export(traces, observations, scores)``

Names of fields differ between the three by their spelling; cells of CSV are JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scorer.data.converters.rows import id_text
from scorer.data.converters.tables.delimited import open_delimited
from scorer.data.converters.tables.json_rows import open_json
from scorer.data.documents import as_list, as_object, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from scorer.data.converters.conversion import Conversion

_LISTS = frozenset(("tags", "traceTags", "comments", "observations", "toolCalls", "toolCallNames"))
"""Fields with a list that is no score."""
_SPELLINGS = {
    "trace_id": "traceId",
    "observation_id": "observationId",
    "data_type": "dataType",
    "string_value": "stringValue",
    "provided_model_name": "providedModelName",
    "total_cost": "totalCost",
    "usage_details": "usageDetails",
    "cost_details": "costDetails",
    "trace_tags": "traceTags",
    "tool_calls": "toolCalls",
    "tool_call_names": "toolCallNames",
}
"""Fields of the export to storage, and their spelling elsewhere."""
_INNER = ("observations", "scores")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A call of a model."""

    id: str
    trace_id: str
    model: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A score of an observation, or of a whole trace."""

    where: str
    name: str
    value: object
    trace_id: str
    observation_id: str


@dataclass(slots=True)
class Export:
    """The traces, observations and scores of all files."""

    inputs: dict[str, object] = field(default_factory=dict)
    """Input by trace."""
    observations: dict[str, Observation] = field(default_factory=dict)
    by_trace: dict[str, list[Observation]] = field(default_factory=dict)
    scores: dict[tuple[str, ...], Score] = field(default_factory=dict)
    """Scores by their id; the same one can be in several files."""

    def add_file(self, path: Path, conversion: Conversion) -> None:
        """Adds the rows of one file."""
        for line, row in _rows(path, conversion):
            where = f"{path}: line {line}"
            for entity in _entities({_camel(name): value for name, value in row.items()}):
                self._add(where, entity)

    def _add(self, where: str, entity: Mapping[str, object]) -> None:
        if entity.get("name") and ("dataType" in entity or "stringValue" in entity):
            self._add_score(where, entity)
            return
        own_id = id_text(entity.get("id"))
        trace_id = id_text(entity.get("traceId"))
        model = as_text(entity.get("providedModelName")) or as_text(entity.get("model"))
        is_observation = bool(trace_id)
        if is_observation and own_id and model:
            observation = Observation(id=own_id, trace_id=trace_id, model=model, fields=entity)
            if own_id not in self.observations:
                self.by_trace.setdefault(trace_id, []).append(observation)
            self.observations.setdefault(own_id, observation)
        elif own_id and not is_observation and entity.get("input") is not None:
            self.inputs.setdefault(own_id, entity["input"])
        for name, values in entity.items():
            if isinstance(values, list) and name not in _LISTS and _are_scores(values):
                target = (trace_id, own_id) if is_observation else (own_id, "")
                for number, value in enumerate(values):
                    self.scores[name, *target, str(number)] = Score(
                        where=where,
                        name=name,
                        value=value,
                        trace_id=target[0],
                        observation_id=target[1],
                    )

    def _add_score(self, where: str, entity: Mapping[str, object]) -> None:
        value, text = entity.get("value"), entity.get("stringValue")
        is_text = value is None or (entity.get("dataType") == "CATEGORICAL" and bool(text))
        # The third version of the API nests what is scored.
        subject = as_object(entity.get("subject"))
        scored = {as_text(subject.get("kind")): subject.get("id"), **subject}
        score = Score(
            where=where,
            name=str(entity["name"]),
            value=text if is_text else value,
            trace_id=id_text(entity.get("traceId") or scored.get("traceId") or scored.get("trace")),
            observation_id=id_text(entity.get("observationId") or scored.get("observation")),
        )
        self.scores.setdefault((id_text(entity.get("id")) or where, score.name), score)


def _rows(path: Path, conversion: Conversion) -> Iterator[tuple[int, Mapping[str, object]]]:
    name = path.name.removesuffix(".gz")
    if not name.endswith(".csv"):
        file = open_json(path, conversion.problems)
        yield from file.rows(conversion.problems) if file else ()
        return
    table = open_delimited(path, conversion.notes, conversion.problems)
    for line, row in table.rows(conversion.problems) if table else ():
        yield line, {column: _decoded(cell) for column, cell in row.items()}


def _decoded(cell: object) -> object:
    """Returns the JSON value in a cell of CSV, or the cell where it is plain text."""
    if cell == "":
        return None
    if isinstance(cell, str) and cell[:1] in {"[", "{", '"'}:
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            return cell
    return cell


def _entities(row: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Yields a row, and the observations and scores that lie in it."""
    trace = as_object(row.get("trace"))
    own_id = id_text(trace.get("id") or row.get("id"))
    if trace:
        yield from _entities({_camel(name): value for name, value in trace.items()})
    for name in _INNER:
        for inner in as_list(row.get(name)):
            fields = {_camel(key): value for key, value in as_object(inner).items()}
            if fields:
                yield {"traceId": own_id, **fields}
    if not trace:
        yield row


def _camel(name: str) -> str:
    """Returns the name of a field as the API spells it; a score's name stays as it is."""
    return _SPELLINGS.get(name, name)


def _are_scores(values: list[object]) -> bool:
    return bool(values) and all(isinstance(value, str | int | float) for value in values)
