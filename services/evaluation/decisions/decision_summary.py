"""Comparisons -> shares and means under both policies, with paired 95 % intervals. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.evaluation.report.estimates import estimate_means

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scorer.measures.intervals import Interval
    from services.evaluation.decisions.counterfactual import Choice, Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A mean under both policies, over the same queries."""

    label: str
    unit: str
    query_count: int
    """Queries with a known value under both policies; the others are left out."""
    recorded: Interval | None
    other: Interval | None
    difference: Interval | None
    """Other less recorded, paired by query. None, as the two above, if no query has both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The changes that the other policy would have made."""

    query_count: int
    same_first: Interval
    """Share of queries whose first model is the same."""
    same_models: Interval
    """Share of queries whose first layer has the same models."""
    overlap: Interval
    """Mean share of models in both layers among those in either."""
    recorded_known_count: int
    """Queries for which the outcome of every recorded choice is known."""
    other_known_count: int
    """Queries for which the outcome of every other choice is known."""
    changes: tuple[Change, ...]
    first_models: Mapping[str, tuple[int, int]]
    """Count of queries on which each model comes first: recorded, other."""


def summarize_decisions(comparisons: Sequence[Comparison], *, seed: int) -> Summary:
    """Returns the summary of comparisons, at least one."""
    recorded = [c.recorded for c in comparisons]
    other = [c.other for c in comparisons]
    first = [_first(a) == _first(b) for a, b in zip(recorded, other, strict=True)]
    same = [set(a.model_ids) == set(b.model_ids) for a, b in zip(recorded, other, strict=True)]
    overlap = [_overlap(a, b) for a, b in zip(recorded, other, strict=True)]
    shares = estimate_means([first, same, overlap], seed=seed)
    return Summary(
        query_count=len(comparisons),
        same_first=shares[0],
        same_models=shares[1],
        overlap=shares[2],
        recorded_known_count=sum(c.value(c.recorded) is not None for c in comparisons),
        other_known_count=sum(c.value(c.other) is not None for c in comparisons),
        changes=_changes(comparisons, seed),
        first_models=_first_models(recorded, other),
    )


def _changes(comparisons: Sequence[Comparison], seed: int) -> tuple[Change, ...]:
    changes = []
    for label, unit, measure in _MEASURES:
        pairs = [(measure(c, c.recorded), measure(c, c.other)) for c in comparisons]
        known = [(a, b, b - a) for a, b in pairs if a is not None and b is not None]
        recorded, other, difference = (
            estimate_means([*zip(*known, strict=True)], seed=seed) if known else (None, None, None)
        )
        changes.append(
            Change(
                label=label,
                unit=unit,
                query_count=len(known),
                recorded=recorded,
                other=other,
                difference=difference,
            )
        )
    return tuple(changes)


def _billed(comparison: Comparison, choice: Choice) -> float | None:
    if not comparison.calls.keys() >= set(choice.model_ids):
        return None
    return 1e3 * sum(comparison.calls[model_id].cost_usd for model_id in choice.model_ids)


def _measured(comparison: Comparison, choice: Choice) -> float | None:
    if not choice.model_ids or not comparison.calls.keys() >= set(choice.model_ids):
        return None
    return max(comparison.calls[model_id].duration_s for model_id in choice.model_ids)


def _first(choice: Choice) -> str | None:
    return choice.model_ids[0] if choice.model_ids else None


def _overlap(a: Choice, b: Choice) -> float:
    either = set(a.model_ids) | set(b.model_ids)
    return len(set(a.model_ids) & set(b.model_ids)) / len(either) if either else 1.0


def _first_models(
    recorded: Sequence[Choice], other: Sequence[Choice]
) -> dict[str, tuple[int, int]]:
    before = Counter(c.model_ids[0] for c in recorded if c.model_ids)
    after = Counter(c.model_ids[0] for c in other if c.model_ids)
    names = sorted(before | after, key=lambda name: (-before[name] - after[name], name))
    return {name: (before[name], after[name]) for name in names}


_MEASURES: Sequence[tuple[str, str, Callable[[Comparison, Choice], float | None]]] = (
    ("best answer of the first layer", "score", lambda c, choice: c.value(choice)),
    ("regret", "score", lambda c, choice: c.regret(choice)),
    ("calls of the first layer", "", lambda _, choice: len(choice.model_ids)),
    ("expected cost of 1,000 first layers", "$", lambda _, choice: 1e3 * choice.expected_cost_usd),
    ("expected latency of the first layer", "s", lambda _, choice: choice.expected_latency_s),
    ("billed cost of 1,000 first layers", "$", _billed),
    ("measured latency of the first layer", "s", _measured),
)
