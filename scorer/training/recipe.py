"""The settings of a training run, read from a TOML recipe; all problems are reported at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scorer.runtime.fields import ProblemsError, read_toml

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.runtime.fields import FieldReader


class RecipeError(ProblemsError):
    """Raised when a recipe cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """One file of routing records to learn from."""

    name: str
    """Name of the records in the manifest."""
    file: str
    """Path below the data directory."""
    licence: str
    """Licence of the records, for the manifest."""
    url: str
    """Source of the records, for the manifest."""
    names: dict[str, str] = field(default_factory=dict)
    """Models that other files spell differently: the name in this file, and the one to use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderConfig:
    """A pretrained encoder."""

    source: str
    """A Hugging Face name, a directory, or ``package:<module>`` for a Python package whose
    ``get_model_path()`` returns the directory of its weights."""
    name: str
    """Name of the encoder in the manifest."""
    licence: str
    """Licence of its weights, for the manifest."""
    layers: int
    """Number of layers that are used, counted from the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerConfig:
    """Settings of the learner."""

    ngram_buckets: int = 1 << 15
    """Number of ids that n-grams are hashed to."""
    projection_width: int = 128
    """Number of features that the n-grams of a text become."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The settings of a training run."""

    name: str
    """Short name of the scorer; the first part of its version."""
    max_tokens: int
    """Longer queries keep this many tokens: half from their start and half from their end."""
    validation_fraction: float
    """Share of the records held out for figures and for parity, between 0 and 1."""
    seed: int
    """Decides all that is random: the same seed and records give the same scorer."""
    encoder: EncoderConfig | None
    """The encoder of a base tier; without it, the scorer is of the edge tier."""
    learner: LearnerConfig
    """Settings of the learner, all of them or none."""
    sources: tuple[SourceConfig, ...]
    """The files of records, at least one."""


def read_recipe(path: Path) -> Recipe:
    """Reads a recipe.

    Raises:
        RecipeError: The file is missing, is not TOML, or has bad, missing or unknown fields.
    """
    return read_toml(path, _parse, RecipeError)


def _parse(reader: FieldReader) -> Recipe:
    encoder = reader.optional_inner("encoder")
    learner = reader.optional_inner("learner")
    recipe = Recipe(
        name=reader.text("name"),
        max_tokens=reader.integer("max_tokens", minimum=2),
        validation_fraction=reader.number("validation_fraction"),
        seed=reader.integer("seed", minimum=0),
        encoder=_parse_encoder(encoder) if encoder else None,
        learner=_parse_learner(learner) if learner else LearnerConfig(),
        sources=tuple(_parse_source(item) for item in reader.items("sources")),
    )
    if not 0 < recipe.validation_fraction < 1:
        reader.problems.append("validation_fraction must be between 0 and 1")
    if not recipe.sources:
        reader.problems.append("sources must not be empty")
    return recipe


def _parse_encoder(reader: FieldReader) -> EncoderConfig:
    encoder = EncoderConfig(
        source=reader.text("source"),
        name=reader.text("name"),
        licence=reader.text("licence"),
        layers=reader.integer("layers", minimum=1),
    )
    reader.reject_unread()
    return encoder


def _parse_learner(reader: FieldReader) -> LearnerConfig:
    learner = LearnerConfig(
        ngram_buckets=reader.integer("ngram_buckets", minimum=2),
        projection_width=reader.integer("projection_width", minimum=1),
    )
    reader.reject_unread()
    return learner


def _parse_source(reader: FieldReader) -> SourceConfig:
    source = SourceConfig(
        name=reader.text("name"),
        file=reader.text("file"),
        licence=reader.text("licence"),
        url=reader.text("url"),
        names=reader.text_by_name("names", optional=True),
    )
    reader.reject_unread()
    return source
