"""Joins rows with the same query into one candidate for a record.

``rows (query, cells by model), any order -> one per query, with mean scores in [0, 1]``

Rows have the same query if their texts are equal. Scores of the same model are averaged; those that
differ are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

from scorer.data.converters.scores.cells import NUMERIC, NotAScoreError
from scorer.data.converters.scores.scale import Found, UnknownScaleError, scale_of
from scorer.data.record_fields import query_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from scorer.data.converters.conversion import Conversion
    from scorer.data.converters.notes import Notes
    from scorer.data.converters.scores.scale import Scale
    from scorer.data.lines import Problems

COUNTS = frozenset(("prompt_tokens", "completion_tokens"))
"""Amounts that are whole numbers."""
NO_LABEL = "rows without a score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The cells of some models on one query, as a row or sample of a source has them."""

    where: str
    """File and line."""
    query: str
    cells: Mapping[str, object]
    """Scores of any kind, by model."""
    id: str = ""
    task: str = ""
    amounts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Dollars, seconds and tokens: the field of a record, then the model."""


class _Means:
    """Numbers by name; several of one name count as their mean."""

    __slots__ = ("_first", "_others")

    def __init__(self) -> None:
        self._first: dict[str, float] = {}
        self._others: dict[str, list[float]] | None = None

    def add(self, name: str, value: float) -> bool:
        """Adds a number, and returns whether one of that name came before."""
        if name not in self._first:
            self._first[name] = value
            return False
        if self._others is None:
            self._others = {}
        self._others.setdefault(name, []).append(value)
        return True

    def differ(self, name: str) -> bool:
        """Returns whether the numbers of a name are different."""
        others = (self._others or {}).get(name, ())
        return any(other != self._first[name] for other in others)

    def values(self) -> dict[str, float]:
        """Returns the means."""
        if self._others is None:
            return self._first
        others = self._others
        return {name: fmean([value, *others.get(name, ())]) for name, value in self._first.items()}


class _Query:
    """The rows of one query."""

    __slots__ = ("amounts", "id", "scores", "task", "where")

    def __init__(self, row: Row) -> None:
        self.where = row.where
        self.id = row.id
        self.task = row.task
        self.scores = _Means()
        self.amounts: dict[str, _Means] = {}


def id_text(value: object) -> str:
    """Returns an id of any kind as text; nothing where there is none."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if value is None or value != value or isinstance(value, list | dict):  # noqa: PLR0124  # NaN
        return ""
    return str(value).strip()


def joined(
    rows: Iterable[Row], scale: Scale, conversion: Conversion
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yields the fields of one record per query, in the order in which the queries come first."""
    notes, problems = conversion.notes, conversion.problems
    queries: dict[str, _Query] = {}
    for row in rows:
        scores = _scores(row, scale, problems)
        if not row.query.strip():
            if scores:
                problems.add(f"{row.where}: the query is empty")
        elif not scores:
            notes.left_out[NO_LABEL] += 1
        else:
            query = queries.get(row.query)
            if query is None:
                query = queries[row.query] = _Query(row)
            _add(query, row, scores, notes)
    owners: dict[str, str] = {}
    for text in list(queries):
        yield _candidate(text, queries.pop(text), owners, notes)


def scaled(
    rows: Sequence[Row], told: Scale | None, conversion: Conversion
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yields ``joined`` rows on the scale that was told, or else on the one of all their scores."""
    scale = told
    if scale is None:
        found: dict[str, Found] = {}
        for row in rows:
            for model, cell in row.cells.items():
                found.setdefault(model, Found()).add(cell)
        scale = found_scale(found, conversion)
    if scale is not None:
        yield from joined(rows, scale, conversion)


def found_scale(columns: Mapping[str, Found], conversion: Conversion) -> Scale | None:
    """Returns the scale of all columns, or None after adding a problem."""
    try:
        scale = scale_of(columns)
    except UnknownScaleError as error:
        conversion.problems.add(f"{error}: tell it with --scale, such as 1..5 or bad=0,good=1")
        return None
    kinds = {kind for found in columns.values() for kind in found.kinds}
    if kinds:
        listed = " and ".join(sorted(kind.value for kind in kinds))
        ends = f" from {scale}" if kinds & NUMERIC else ""
        conversion.notes.choose(f"scores: {listed}{ends}, mapped to 0 to 1")
    return scale


def _scores(row: Row, scale: Scale, problems: Problems) -> dict[str, float]:
    scores: dict[str, float] = {}
    for model, cell in row.cells.items():
        try:
            score = scale.score(cell)
        except NotAScoreError as error:
            problems.add(f"{row.where}: {model}: must be a score, is {error}")
            continue
        if score is not None:
            scores[model] = score
    return scores


def _add(query: _Query, row: Row, scores: Mapping[str, float], notes: Notes) -> None:
    query.id = query.id or row.id
    query.task = query.task or row.task
    for model, score in scores.items():
        differed = query.scores.differ(model)
        notes.repeated += query.scores.add(model, score)
        if query.scores.differ(model) and not differed:
            notes.contradictions[model] += 1
    for name, amounts in row.amounts.items():
        for model, amount in amounts.items():
            if model in scores:
                query.amounts.setdefault(name, _Means()).add(model, amount)


def _candidate(
    text: str, query: _Query, owners: dict[str, str], notes: Notes
) -> tuple[str, dict[str, object]]:
    record_id = query.id or query_id(text)
    if owners.setdefault(record_id, text) != text:
        notes.replaced_ids += 1
        record_id = query_id(text)
        owners[record_id] = text
    fields: dict[str, object] = {"id": record_id, "query": text, "scores": query.scores.values()}
    if query.task:
        fields["task"] = query.task
    for name, means in query.amounts.items():
        values = means.values()
        whole = name in COUNTS
        fields[name] = {m: round(v) for m, v in values.items()} if whole else values
    return query.where, fields
