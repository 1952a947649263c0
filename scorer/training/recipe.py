"""What a training run is: a TOML recipe, read into frozen values with every problem at once."""

from __future__ import annotations

from dataclasses import dataclass
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
    layers: int
    """How many of its layers are used, from the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerConfig:
    """What is learned on top of the encoder, and how."""

    ngram_buckets: int = 1 << 15
    """Ids that n-grams are hashed to."""
    projection_width: int = 128
    """Numbers that the n-grams of a text become."""
    distilled_width: int = 64
    """Numbers that are added to these where n-grams learn from an encoder."""
    max_classes: int = 4
    """Most response classes of one skill."""
    class_ridges: tuple[float, ...] = (3.0, 10.0, 30.0)
    """Weights of the squared departures of classes from their skill against the loss of one query;
    the one with the smallest loss on held-out queries is taken."""
    folds: int = 5
    """Parts of the data, each scored by what was learned on the others, for the calibration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A training run."""

    name: str
    """Short name of the scorer; the first part of its version."""
    max_tokens: int
    validation_fraction: float
    """Share of the training records held out for figures and for parity."""
    seed: int
    encoder: EncoderConfig | None
    """None makes an artifact of the edge tier."""
    teacher: EncoderConfig | None
    """An encoder that the n-grams of an edge tier learn from; it stays out of the artifact."""
    learner: LearnerConfig
    sources: tuple[SourceConfig, ...]


def read_recipe(path: Path) -> Recipe:
    """Reads a recipe.

    Raises:
        RecipeError: The file is missing, is not TOML, or has bad, missing or unknown fields.
    """
    return read_toml(path, _parse, RecipeError)


def _parse(reader: FieldReader) -> Recipe:
    encoder = reader.optional_inner("encoder")
    teacher = reader.optional_inner("teacher")
    learner = reader.optional_inner("learner")
    recipe = Recipe(
        name=reader.text("name"),
        max_tokens=reader.integer("max_tokens", minimum=2),
        validation_fraction=reader.number("validation_fraction"),
        seed=reader.integer("seed", minimum=0),
        encoder=_parse_encoder(encoder) if encoder else None,
        teacher=_parse_encoder(teacher) if teacher else None,
        learner=_parse_learner(learner) if learner else LearnerConfig(),
        sources=tuple(_parse_source(item) for item in reader.items("sources")),
    )
    if not 0 < recipe.validation_fraction < 1:
        reader.problems.append("validation_fraction must be between 0 and 1")
    if recipe.encoder and recipe.teacher:
        reader.problems.append("encoder and teacher are of different tiers; one of them must go")
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
    reader.refuse_unread()
    return encoder


def _parse_learner(reader: FieldReader) -> LearnerConfig:
    learner = LearnerConfig(
        ngram_buckets=reader.integer("ngram_buckets", minimum=2),
        projection_width=reader.integer("projection_width", minimum=1),
        distilled_width=reader.integer("distilled_width", minimum=1),
        max_classes=reader.integer("max_classes", minimum=1),
        class_ridges=reader.numbers("class_ridges", minimum=0.0),
        folds=reader.integer("folds", minimum=2),
    )
    reader.refuse_unread()
    return learner


def _parse_source(reader: FieldReader) -> SourceConfig:
    source = SourceConfig(
        name=reader.text("name"),
        file=reader.text("file"),
        licence=reader.text("licence"),
        url=reader.text("url"),
    )
    reader.refuse_unread()
    return source
