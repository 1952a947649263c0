"""Refuses records that nothing can be learned from, and warns of records that look wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.data.records import model_ids_of, one_class_models, unknown_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scorer.data.records import Record

MIN_QUERIES = 20
"""Smallest number of different queries that are learned from."""


class UntrainableError(Exception):
    """Raised when records are valid, and yet nothing can be learned from them."""


def check_records(
    training: Sequence[Record], held_out: Sequence[Record], *, warn: Callable[[str], None]
) -> None:
    """Checks the records of a training.

    Args:
        training: The records to learn from.
        held_out: The records to measure on.
        warn: Called with a warning about records that can be learned from but look wrong.

    Raises:
        UntrainableError: There are too few, of one model, or with one and the same score everywhere.
    """
    records = [*training, *held_out]
    models = model_ids_of(records)
    queries = len({record.query for record in training})
    if queries < MIN_QUERIES:
        raise UntrainableError(
            f"there are {queries} different queries to learn from, and at least {MIN_QUERIES} are "
            "needed; a few hundred are a good start"
        )
    if len(models) == 1:
        raise UntrainableError(f"only {models[0]} has scores: there is no choice to learn")
    scores = {score for record in records for score in record.scores.values()}
    if len(scores) == 1:
        raise UntrainableError(
            f"every score is {scores.pop():g}: nothing tells one model from another"
        )
    if not held_out:
        raise UntrainableError(
            f"validation_fraction holds out none of {len(records)} records; raise it"
        )
    for model_id in one_class_models(records):
        warn(f"{model_id} has one and the same score everywhere")
    for model_id in unknown_models(held_out, train=training):
        warn(f"{model_id} has no score in the records to learn from, only in those held out")
    warn_of_contradictions(records, warn=warn)


def warn_of_contradictions(records: Iterable[Record], *, warn: Callable[[str], None]) -> None:
    """Warns of queries with different scores of one model."""
    seen: dict[tuple[str, str], float] = {}
    found: set[str] = set()
    for record in records:
        for model_id, score in record.scores.items():
            if seen.setdefault((record.query, model_id), score) != score:
                found.add(record.query)
    if found:
        what = "1 query has" if len(found) == 1 else f"{len(found)} queries have"
        warn(f"{what} different scores of one model in several records; all of them count")
