"""What a training run is: a TOML recipe, read into frozen values with every problem at once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.fields import FieldReader, ProblemsError

if TYPE_CHECKING:
    from pathlib import Path


class RecipeError(ProblemsError):
    """Raised when a recipe cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """One file of routing records to learn from."""

    name: str
    file: str
    """Path below the data directory."""
    licence: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderConfig:
    """The pretrained encoder."""

    source: str
    """A Hugging Face name, a directory, or ``package:<module>`` for a Python package with weights,
    whose ``get_model_path()`` says where."""
    name: str
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadConfig:
    """How the model embeddings are fitted to the embeddings of the frozen encoder."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningConfig:
    """How encoder and head are then trained together."""

    epochs: int
    batch_size: int
    encoder_learning_rate: float
    head_learning_rate: float
    weight_decay: float
    warmup_fraction: float
    """Share of the steps in which the learning rate rises; in the rest it falls to zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A training run."""

    name: str
    """Short name of the scorer; the first part of its version."""
    max_tokens: int
    validation_fraction: float
    """Share of the training records held out for choosing the epoch and for calibration."""
    seed: int
    encoder: EncoderConfig
    head: HeadConfig
    tuning: TuningConfig | None
    """None leaves the encoder frozen."""
    sources: tuple[SourceConfig, ...]


def read_recipe(path: Path) -> Recipe:
    """Reads a recipe.

    Raises:
        RecipeError: The file is missing, is not TOML, or has bad, missing or unknown fields.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(path, [f"cannot be read: {error}"]) from error
    reader = FieldReader(document)
    recipe = _parse(reader)
    if not 0 < recipe.validation_fraction < 1:
        reader.problems.append("validation_fraction must be between 0 and 1")
    if not recipe.sources:
        reader.problems.append("sources must not be empty")
    if reader.problems:
        raise RecipeError(path, reader.problems)
    return recipe


def _parse(reader: FieldReader) -> Recipe:
    tuning = reader.optional_inner("tuning")
    recipe = Recipe(
        name=reader.text("name"),
        max_tokens=reader.integer("max_tokens", minimum=2),
        validation_fraction=reader.number("validation_fraction"),
        seed=reader.integer("seed", minimum=0),
        encoder=_parse_encoder(reader.inner("encoder")),
        head=_parse_head(reader.inner("head")),
        tuning=_parse_tuning(tuning) if tuning else None,
        sources=tuple(_parse_source(item) for item in reader.items("sources")),
    )
    reader.refuse_unread()
    return recipe


def _parse_encoder(reader: FieldReader) -> EncoderConfig:
    encoder = EncoderConfig(
        source=reader.text("source"), name=reader.text("name"), licence=reader.text("licence")
    )
    reader.refuse_unread()
    return encoder


def _parse_head(reader: FieldReader) -> HeadConfig:
    head = HeadConfig(
        epochs=reader.integer("epochs", minimum=1),
        batch_size=reader.integer("batch_size", minimum=1),
        learning_rate=reader.number("learning_rate", minimum=0.0),
        weight_decay=reader.number("weight_decay", minimum=0.0),
    )
    reader.refuse_unread()
    return head


def _parse_tuning(reader: FieldReader) -> TuningConfig:
    tuning = TuningConfig(
        epochs=reader.integer("epochs", minimum=1),
        batch_size=reader.integer("batch_size", minimum=1),
        encoder_learning_rate=reader.number("encoder_learning_rate", minimum=0.0),
        head_learning_rate=reader.number("head_learning_rate", minimum=0.0),
        weight_decay=reader.number("weight_decay", minimum=0.0),
        warmup_fraction=reader.number("warmup_fraction", minimum=0.0),
    )
    reader.refuse_unread()
    return tuning


def _parse_source(reader: FieldReader) -> SourceConfig:
    source = SourceConfig(
        name=reader.text("name"),
        file=reader.text("file"),
        licence=reader.text("licence"),
        url=reader.text("url"),
    )
    reader.refuse_unread()
    return source
