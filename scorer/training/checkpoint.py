"""The directory that training writes and export reads: weights, tokenizer, facts, held-out records.

Needs torch.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.data.records import read_records, write_records
from scorer.runtime.artifact import TOKENIZER_FILE, DataSource
from scorer.runtime.fields import FieldReader, ProblemsError
from scorer.runtime.team_rule import TeamRule
from scorer.training.model import Scorer, ScorerConfig

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.data.records import Record

FACTS_FILE = "facts.json"
VALIDATION_FILE = "validation.jsonl.gz"


class CheckpointError(ProblemsError):
    """Raised when a directory is not a usable checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts about the training, for the manifest of the artifact."""

    name: str
    encoder_name: str
    encoder_licence: str
    max_tokens: int
    data_sources: tuple[DataSource, ...]
    metrics: dict[str, float]
    best_single: str
    """The model with the best mean in the training records; empty if an older version trained."""
    team_rule: TeamRule


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A trained scorer."""

    scorer: Scorer
    facts: Facts
    tokenizer_path: Path | None
    """The encoder's tokenizer; None without an encoder."""
    validation: list[Record]
    """Held-out records, on which parity is measured."""


def save_checkpoint(
    directory: Path, *, scorer: Scorer, facts: Facts, validation: list[Record]
) -> None:
    """Writes a checkpoint into a directory; the encoder's tokenizer, if any, must be there already."""
    scorer.save_pretrained(directory, safe_serialization=True)
    text = json.dumps(dataclasses.asdict(facts), indent=2, ensure_ascii=False)
    (directory / FACTS_FILE).write_text(text + "\n", encoding="utf-8")
    write_records(directory / VALIDATION_FILE, validation)


def load_checkpoint(directory: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        CheckpointError: A file is missing or malformed.
    """
    facts_path = directory / FACTS_FILE
    if not facts_path.is_file():
        raise CheckpointError(directory, [f"{FACTS_FILE} is missing; did train write this?"])
    reader = FieldReader(json.loads(facts_path.read_text(encoding="utf-8")))
    facts = _parse(reader)
    if reader.problems:
        raise CheckpointError(facts_path, reader.problems)
    config = ScorerConfig.from_pretrained(directory)
    return Checkpoint(
        scorer=Scorer.from_pretrained(directory, config=config).eval(),
        facts=facts,
        tokenizer_path=directory / TOKENIZER_FILE if config.encoder else None,
        validation=read_records(directory / VALIDATION_FILE),
    )


def _parse(reader: FieldReader) -> Facts:
    return Facts(
        name=reader.text("name"),
        encoder_name=reader.optional_text("encoder_name"),
        encoder_licence=reader.optional_text("encoder_licence"),
        max_tokens=reader.integer("max_tokens", minimum=2),
        data_sources=tuple(DataSource.parse(item) for item in reader.items("data_sources")),
        metrics=reader.number_by_name("metrics"),
        best_single=reader.optional_text("best_single"),
        team_rule=reader.choice("team_rule", TeamRule, absent=TeamRule.COVERING),
    )
