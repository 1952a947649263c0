"""Finds what a command should warn about in valid records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.data.records import model_ids_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scorer.data.records import Record


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
