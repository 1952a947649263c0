"""The directory between training and export: weights, tokenizer, facts and held-out records.

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
    """What the manifest of an artifact says about its training."""

    name: str
    encoder_name: str
    encoder_licence: str
    max_tokens: int
    data_sources: tuple[DataSource, ...]
    metrics: dict[str, float]
    team_rule: TeamRule


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A trained scorer."""

    scorer: Scorer
    facts: Facts
    tokenizer_path: Path | None
    """None without an encoder."""
    validation: list[Record]
    """The records that were held out of training: the ones to measure parity on."""


def save_checkpoint(
    directory: Path, *, scorer: Scorer, facts: Facts, validation: list[Record]
) -> None:
    """Writes a checkpoint into a directory that has the encoder's tokenizer, if there is one."""
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
        team_rule=reader.choice("team_rule", TeamRule, absent=TeamRule.COVERING),
    )
