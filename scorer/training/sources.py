"""Reads the records of a recipe, source by source, split into training and held-out ones."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.data.records import read_records
from scorer.data.splits import split_records

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.data.records import Record
    from scorer.training.recipe import Recipe, SourceConfig


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
    """
    found = []
    for source in recipe.sources:
        records = [
            dataclasses.replace(record, task=f"{source.name}/{record.task}" if record.task else "")
            for record in read_records(data / source.file)
        ]
        training, held_out = split_records(
            records, validation_fraction=recipe.validation_fraction, seed=recipe.seed
        )
        found.append(SourceRecords(source=source, training=training, held_out=held_out))
    return found
