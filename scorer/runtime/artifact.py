"""The directory that is a scorer: manifest, ONNX graph and tokenizer, checked by hash.

``directory -> manifest.json -> Manifest (every problem collected) -> Artifact``

The manifest names the model of each column of the graph's output. Code outside this package asks for a
model by name and never by column.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.runtime.artifact_files import MODEL_FILE, file_problems, hashes_of
from scorer.runtime.fields import FieldReader, ProblemsError
from scorer.runtime.graph_files import GraphError
from scorer.runtime.team_rule import TeamRule

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION = 2
"""The manifest schema that this code writes and reads."""

MANIFEST_FILE = "manifest.json"
TOKENIZER_FILE = "tokenizer.json"

HASHED_FILES = (MODEL_FILE, TOKENIZER_FILE)
"""The files that decide a score; an artifact without an encoder has no tokenizer. A graph may keep
weights in further files beside it. MODEL_CARD.md and NOTICE are not hashed, so that they can be
corrected."""


MAX_MEAN_SCORE_DIFFERENCE = 0.01
"""Largest mean |score difference| between fp32 and fewer bits: below the calibration error."""


class ArtifactError(ProblemsError):
    """Raised when a directory is not a usable artifact."""


class Precision(enum.StrEnum):
    """The number format of the graph's weights."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class Tier(enum.StrEnum):
    """The kinds of input that a scorer reads."""

    BASE = "base"
    """A sentence encoder and n-grams."""
    EDGE = "edge"
    """N-grams alone: no tokenizer, and no matrix product whose cost grows with the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """A kind of query and its number of response classes, which stand side by side in the graph."""

    name: str
    class_count: int

    @classmethod
    def parse(cls, reader: FieldReader) -> Skill:
        """Reads one object; the reader collects the problems."""
        return cls(name=reader.text("name"), class_count=reader.integer("class_count", minimum=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """A set of routing records that the scorer learned from."""

    name: str
    licence: str
    url: str
    train_rows: int
    validation_rows: int

    @classmethod
    def parse(cls, reader: FieldReader) -> DataSource:
        """Reads one object; the reader collects the problems."""
        return cls(
            name=reader.text("name"),
            licence=reader.text("licence"),
            url=reader.text("url"),
            train_rows=reader.integer("train_rows", minimum=0),
            validation_rows=reader.integer("validation_rows", minimum=0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityCheck:
    """A measured agreement between two forms of a scorer, and its gate.

    ``value`` must be at most ``maximum`` and at least ``minimum``; either may be absent. A check
    with neither is only reported.
    """

    name: str
    value: float
    minimum: float | None = None
    maximum: float | None = None

    @property
    def passed(self) -> bool:
        """True if the value is a finite number within the gate."""
        above = self.minimum is None or self.value >= self.minimum
        below = self.maximum is None or self.value <= self.maximum
        return above and below and math.isfinite(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The content of ``manifest.json``."""

    name: str
    """Short name of the scorer: the first part of ``version``."""
    version: str
    """``<name>-<precision>-<8 hex digits>``; the digits are a hash of all that decides a score."""
    created: str
    """ISO date, given by the builder, so that a build can be repeated exactly."""
    tier: Tier
    encoder_name: str
    """The encoder; empty without one."""
    encoder_licence: str
    """Empty without an encoder."""
    precision: Precision
    model_ids: tuple[str, ...]
    """The model of each column of the graph's scores, in order."""
    max_tokens: int
    """Longer queries keep this many tokens: half from their start and half from their end."""
    ngram_buckets: int
    """Number of ids that n-grams are hashed to."""
    skills: tuple[Skill, ...]
    data_sources: tuple[DataSource, ...]
    files: dict[str, str]
    """sha256 of each file that is opened: those of ``HASHED_FILES``, and those that the graph opens."""
    metrics: dict[str, float]
    """Figures on the validation split, by name."""
    parity: tuple[ParityCheck, ...]
    team_rule: TeamRule = TeamRule.COVERING
    """Rule for the models that run together; older manifests have no such field and cover."""
    format_version: int = FORMAT_VERSION

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The precisions in which the graph can run, that of its weights first.

        Products of integers can be taken in fp32 too: their weights are widened when a session opens.
        """
        if self.tier is Tier.BASE and self.precision is Precision.INT8:
            return (Precision.INT8, Precision.FP32)
        return (self.precision,)

    @property
    def class_count(self) -> int:
        """Number of response classes of all skills."""
        return sum(skill.class_count for skill in self.skills)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A verified artifact directory."""

    path: Path
    manifest: Manifest

    @property
    def model_path(self) -> Path:
        """The ONNX graph."""
        return self.path / MODEL_FILE

    @property
    def tokenizer_path(self) -> Path:
        """The tokenizer, in the format of the ``tokenizers`` library."""
        return self.path / TOKENIZER_FILE


def load_artifact(path: Path) -> Artifact:
    """Reads and verifies an artifact directory.

    Raises:
        ArtifactError: A file is missing, malformed or altered; the error lists every problem.
    """
    manifest_path = path / MANIFEST_FILE
    if not manifest_path.is_file():
        raise ArtifactError(path, [f"{MANIFEST_FILE} is missing"])
    try:
        document = json.loads(manifest_path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArtifactError(path, [f"{MANIFEST_FILE} is not JSON: {error}"]) from error
    reader = FieldReader(document)
    found = reader.integer("format_version", minimum=1)
    if not reader.problems and found != FORMAT_VERSION:
        reader.problems.append(_format_problem(found))
        raise ArtifactError(path, reader.problems)
    manifest = _parse(reader)
    names = files_of(manifest.tier)
    problems = [*reader.problems, *file_problems(path, names, manifest.files)]
    if not problems and manifest.version != version_of(manifest):
        problems.append(f"version is {manifest.version}; its content says {version_of(manifest)}")
    if problems:
        raise ArtifactError(path, problems)
    return Artifact(path=path, manifest=manifest)


def seal_artifact(path: Path, manifest: Manifest) -> Artifact:
    """Writes the manifest of the files in ``path``, with hashes and version, and verifies both.

    Raises:
        ArtifactError: They are no artifact; the error lists every problem.
    """
    try:
        hashes = hashes_of(path, files_of(manifest.tier))
    except GraphError as error:
        raise ArtifactError(path, [f"{MODEL_FILE} {error}"]) from error
    manifest = dataclasses.replace(manifest, files=hashes)
    manifest = dataclasses.replace(manifest, version=version_of(manifest))
    text = json.dumps(dataclasses.asdict(manifest), indent=2, ensure_ascii=False)
    (path / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")
    return load_artifact(path)


def version_of(manifest: Manifest) -> str:
    """Returns the version by the manifest's content: same content, same version."""
    decisive = [
        manifest.files,
        list(manifest.model_ids),
        manifest.max_tokens,
        manifest.ngram_buckets,
    ]
    if manifest.team_rule is not TeamRule.COVERING:
        decisive.append(manifest.team_rule)
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    return f"{manifest.name}-{manifest.precision}-{digest[:8]}"


def _format_problem(found: int) -> str:
    if found < FORMAT_VERSION:
        return (
            f"format_version is {found} and {FORMAT_VERSION} is needed: it was made by an older "
            "version; export it again"
        )
    return f"format_version is {found}; this version reads {FORMAT_VERSION}: upgrade to use it"


def _parse(reader: FieldReader) -> Manifest:
    sources = tuple(DataSource.parse(item) for item in reader.items("data_sources"))
    parity = tuple(_parse_parity(item) for item in reader.items("parity"))
    return Manifest(
        name=reader.text("name"),
        version=reader.text("version"),
        created=reader.text("created"),
        tier=reader.choice("tier", Tier),
        encoder_name=reader.optional_text("encoder_name"),
        encoder_licence=reader.optional_text("encoder_licence"),
        precision=reader.choice("precision", Precision),
        model_ids=reader.distinct_texts("model_ids"),
        max_tokens=reader.integer("max_tokens", minimum=2),
        ngram_buckets=reader.integer("ngram_buckets", minimum=2),
        skills=tuple(Skill.parse(item) for item in reader.items("skills")),
        data_sources=sources,
        files=reader.text_by_name("files"),
        metrics=reader.number_by_name("metrics"),
        parity=parity,
        team_rule=reader.choice("team_rule", TeamRule, absent=TeamRule.COVERING),
    )


def _parse_parity(item: FieldReader) -> ParityCheck:
    return ParityCheck(
        name=item.text("name"),
        value=item.number("value"),
        minimum=item.optional_number("minimum"),
        maximum=item.optional_number("maximum"),
    )


def files_of(tier: Tier) -> tuple[str, ...]:
    """Returns the names of the hashed files that every artifact of a tier has."""
    return HASHED_FILES if tier is Tier.BASE else (MODEL_FILE,)
