"""Reads the records of a recipe, source by source, split into training and held-out ones.

A model has the same name in all sources: a recipe says which names are spellings of another.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.data.records import model_ids_of, read_records
from scorer.data.splits import split_records
from scorer.training.record_checks import UntrainableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from scorer.data.records import Record
    from scorer.training.recipe import Recipe, SourceConfig


FIELDS_BY_MODEL = ("scores", "costs_usd", "prompt_tokens", "completion_tokens", "latencies_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecords:
    """The records of one source; the names of their tasks begin with its name."""

    source: SourceConfig
    training: list[Record]
    held_out: list[Record]


def read_sources(recipe: Recipe, data: Path) -> list[SourceRecords]:
    """Reads the sources of a recipe, which lie below ``data``.

    Raises:
        RecordsError: A file of records has bad lines.
        UntrainableError: A source's names do not fit its models.
    """
    found = []
    for source in recipe.sources:
        records = [
            dataclasses.replace(record, task=f"{source.name}/{record.task}" if record.task else "")
            for record in _renamed(read_records(data / source.file), source)
        ]
        training, held_out = split_records(
            records, validation_fraction=recipe.validation_fraction, seed=recipe.seed
        )
        found.append(SourceRecords(source=source, training=training, held_out=held_out))
    return found


def _renamed(records: Sequence[Record], source: SourceConfig) -> Sequence[Record]:
    """Returns the records with the names of models that the source's recipe gives."""
    if not source.names:
        return records
    models = set(model_ids_of(records))
    absent = sorted(source.names.keys() - models)
    if absent:
        raise UntrainableError(f"{source.name} names models without scores: {', '.join(absent)}")
    if len({source.names.get(model, model) for model in models}) < len(models):
        raise UntrainableError(f"{source.name} gives two of its models the same name")

    def changed(record: Record) -> Record:
        fields: dict[str, Mapping[str, float]] = {
            field: {source.names.get(m, m): value for m, value in getattr(record, field).items()}
            for field in FIELDS_BY_MODEL
        }
        return dataclasses.replace(record, **fields)  # type: ignore[arg-type]  # each keeps its type

    return [changed(record) for record in records]
