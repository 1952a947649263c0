"""The directory that is a scorer: manifest, ONNX graph and tokenizer, checked by hash.

``directory -> manifest.json -> Manifest (every problem collected) -> Artifact``

A row of the graph's output belongs to the model that the manifest names for it. Everything outside
this package asks for a model by name and never by position.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.runtime.fields import FieldReader, ProblemsError
from scorer.runtime.team_rule import TeamRule

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION = 2
"""The manifest schema that this code writes and reads."""

MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"

HASHED_FILES = (MODEL_FILE, TOKENIZER_FILE)
"""The files that decide a score. MODEL_CARD.md and NOTICE are prose and may be corrected. An artifact
without an encoder has no tokenizer."""


class ArtifactError(ProblemsError):
    """Raised when a directory is not a usable artifact."""


class Precision(enum.StrEnum):
    """The number format of the graph's weights."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class Tier(enum.StrEnum):
    """What a query is read with."""

    BASE = "base"
    """A sentence encoder and n-grams."""
    EDGE = "edge"
    """N-grams alone: no tokenizer, and no matrix product that grows with the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """A kind of query, and how many response classes it has; they are side by side in the graph."""

    name: str
    class_count: int

    @classmethod
    def parse(cls, reader: FieldReader) -> Skill:
        """Reads one; problems are left in the reader."""
        return cls(name=reader.text("name"), class_count=reader.integer("class_count", minimum=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """One set of routing records that the scorer learned from."""

    name: str
    licence: str
    url: str
    train_rows: int
    validation_rows: int

    @classmethod
    def parse(cls, reader: FieldReader) -> DataSource:
        """Reads one; problems are left in the reader."""
        return cls(
            name=reader.text("name"),
            licence=reader.text("licence"),
            url=reader.text("url"),
            train_rows=reader.integer("train_rows", minimum=0),
            validation_rows=reader.integer("validation_rows", minimum=0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityCheck:
    """One measured agreement between two forms of the same scorer, and its gate.

    ``value`` must be at most ``maximum`` and at least ``minimum``; either may be absent. A check
    with neither is a measurement that is reported and not gated.
    """

    name: str
    value: float
    minimum: float | None = None
    maximum: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the value is within the gate; a value that is not a number never is."""
        above = self.minimum is None or self.value >= self.minimum
        below = self.maximum is None or self.value <= self.maximum
        return above and below and math.isfinite(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an artifact is, as written in its ``manifest.json``."""

    name: str
    """Short name of the scorer, without version: the first part of ``version``."""
    version: str
    """``<name>-<precision>-<8 hex digits>``; the digits are the hash of what decides a score."""
    created: str
    """ISO date, passed in by whoever built it, so that a build can be repeated exactly."""
    tier: Tier
    encoder_name: str
    """In the edge tier, of the one that its n-grams have learned from. Empty without one, as is its
    licence."""
    encoder_licence: str
    precision: Precision
    model_ids: tuple[str, ...]
    """The model of each row of the graph's output, in row order."""
    max_tokens: int
    """Longer queries keep the first half and the last half of this many tokens."""
    ngram_buckets: int
    """Ids that n-grams are hashed to."""
    skills: tuple[Skill, ...]
    data_sources: tuple[DataSource, ...]
    files: dict[str, str]
    """sha256 of each file of ``HASHED_FILES``."""
    metrics: dict[str, float]
    """Figures on the validation split, by name."""
    parity: tuple[ParityCheck, ...]
    team_rule: TeamRule = TeamRule.COVERING
    """How the models that run together are chosen; artifacts from before there was a choice cover."""
    format_version: int = FORMAT_VERSION

    @property
    def class_count(self) -> int:
        """How many response classes all skills have together."""
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
        ArtifactError: Anything is missing, malformed or altered; it lists every problem.
    """
    manifest_path = path / MANIFEST_FILE
    if not manifest_path.is_file():
        raise ArtifactError(path, [f"{MANIFEST_FILE} is missing"])
    try:
        document = json.loads(manifest_path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ArtifactError(path, [f"{MANIFEST_FILE} is not JSON: {error}"]) from error
    reader = FieldReader(document)
    found = reader.integer("format_version", minimum=1)
    if not reader.problems and found != FORMAT_VERSION:
        reader.problems.append(_format_problem(found))
        raise ArtifactError(path, reader.problems)
    manifest = _parse(reader)
    problems = [*reader.problems, *_file_problems(path, manifest)]
    if not problems and manifest.version != version_of(manifest):
        problems.append(f"version is {manifest.version}; its content says {version_of(manifest)}")
    if problems:
        raise ArtifactError(path, problems)
    return Artifact(path=path, manifest=manifest)


def seal_artifact(path: Path, manifest: Manifest) -> Artifact:
    """Writes the manifest of the files in ``path``, with hashes and version, and verifies it."""
    hashes = {name: sha256_of(path / name) for name in files_of(manifest.tier)}
    manifest = dataclasses.replace(manifest, files=hashes)
    manifest = dataclasses.replace(manifest, version=version_of(manifest))
    text = json.dumps(dataclasses.asdict(manifest), indent=2, ensure_ascii=False)
    (path / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")
    return load_artifact(path)


def version_of(manifest: Manifest) -> str:
    """Returns the version that the manifest's content gives: same content, same version."""
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


def sha256_of(path: Path) -> str:
    """Returns the hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    """Returns the names of the hashed files that an artifact of a tier has."""
    return HASHED_FILES if tier is Tier.BASE else (MODEL_FILE,)


def _file_problems(path: Path, manifest: Manifest) -> list[str]:
    problems = []
    expected = files_of(manifest.tier)
    for name in expected:
        if not (path / name).is_file():
            problems.append(f"{name} is missing")
        elif name not in manifest.files:
            problems.append(f"files: has no hash of {name}")
        elif sha256_of(path / name) != manifest.files[name]:
            problems.append(f"{name} does not have the sha256 of the manifest")
    strangers = sorted(manifest.files.keys() - set(expected))
    return problems + [f"files: {name} is not a file of an artifact" for name in strangers]
