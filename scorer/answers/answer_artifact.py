"""The directory that is an answer scorer: a manifest, and one file of weights, checked by hash.

``directory -> manifest.json + weights.bin -> every problem collected -> AnswerArtifact``

`weights.bin` holds the arrays of the model one after the other, as little-endian 32-bit floats. The
manifest has all shapes, so that reading it takes neither a parser nor more memory than the file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.answers.answer_features import NAMES
from scorer.answers.answer_model import AnswerModel
from scorer.runtime.artifact import DataSource
from scorer.runtime.fields import FieldReader, ProblemsError

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION = 1
"""The manifest schema that this code writes and reads."""
MANIFEST_FILE = "manifest.json"
WEIGHTS_FILE = "weights.bin"
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MAX_HIDDEN_UNITS = 4096
MAX_MODELS = 10_000
_DTYPE = np.dtype("<f4")


class AnswerArtifactError(ProblemsError):
    """Raised when a directory is not a usable answer scorer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerManifest:
    """The content of ``manifest.json``."""

    name: str
    """Short name: the first part of ``version``."""
    version: str
    """``<name>-answers-<8 hex digits>``; the digits are a hash of all that decides a score."""
    created: str
    """ISO date, given by the builder, so that a build can be repeated exactly."""
    model_ids: tuple[str, ...]
    """The models that have weights of their own."""
    feature_names: tuple[str, ...]
    """The features, in order; they must be those of this version."""
    hidden_units: int
    unknown_share: float
    """Share of the gain that counts for a model that is not known, in [0, 1]."""
    data_sources: tuple[DataSource, ...]
    sha256: str
    """That of the file of weights."""
    metrics: dict[str, float]
    """Figures on held-out records, by name."""
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerArtifact:
    """A verified answer scorer."""

    manifest: AnswerManifest
    model: AnswerModel


def load_answer_artifact(path: Path) -> AnswerArtifact:
    """Reads and verifies the directory of an answer scorer.

    Raises:
        AnswerArtifactError: A file is missing, malformed or altered; the error lists every problem.
    """
    manifest, problems = _read_manifest(path)
    if problems:
        raise AnswerArtifactError(path, problems)
    content = _read(path / WEIGHTS_FILE, _DTYPE.itemsize * _weight_count(manifest))
    if content is None:
        problems.append(f"{WEIGHTS_FILE} is missing, or has another size than the manifest says")
    elif hashlib.sha256(content).hexdigest() != manifest.sha256:
        problems.append(f"{WEIGHTS_FILE} does not have the sha256 of the manifest")
    if manifest.version != version_of(manifest):
        problems.append(f"version is {manifest.version}; its content says {version_of(manifest)}")
    if problems or content is None:
        raise AnswerArtifactError(path, problems)
    model = _model(manifest, content)
    if not all(np.isfinite(array).all() for array in _arrays(model)) or (model.scale <= 0).any():
        raise AnswerArtifactError(path, [f"{WEIGHTS_FILE} holds weights that are no numbers"])
    return AnswerArtifact(manifest=manifest, model=model)


def save_answer_artifact(
    path: Path, manifest: AnswerManifest, model: AnswerModel
) -> AnswerArtifact:
    """Writes an answer scorer into an existing directory, with hash and version, and verifies it.

    Raises:
        AnswerArtifactError: It is not usable; the error lists every problem.
    """
    content = b"".join(np.ascontiguousarray(a, dtype=_DTYPE).tobytes() for a in _arrays(model))
    (path / WEIGHTS_FILE).write_bytes(content)
    manifest = dataclasses.replace(manifest, sha256=hashlib.sha256(content).hexdigest())
    manifest = dataclasses.replace(manifest, version=version_of(manifest))
    text = json.dumps(dataclasses.asdict(manifest), indent=2, ensure_ascii=False)
    (path / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")
    return load_answer_artifact(path)


def version_of(manifest: AnswerManifest) -> str:
    """Returns the version by the manifest's content: same content, same version."""
    decisive = [
        manifest.sha256,
        list(manifest.model_ids),
        list(manifest.feature_names),
        manifest.unknown_share,
    ]
    digest = hashlib.sha256(json.dumps(decisive).encode()).hexdigest()
    return f"{manifest.name}-answers-{digest[:8]}"


def _read_manifest(path: Path) -> tuple[AnswerManifest, list[str]]:
    file = path / MANIFEST_FILE
    try:
        if file.stat().st_size > MAX_MANIFEST_BYTES:
            raise AnswerArtifactError(path, [f"{MANIFEST_FILE} is larger than 4 MiB"])
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise AnswerArtifactError(path, [f"{MANIFEST_FILE} cannot be read: {error}"]) from error
    reader = FieldReader(document)
    found = reader.integer("format_version", minimum=1)
    if not reader.problems and found != FORMAT_VERSION:
        problem = f"format_version is {found}; this version reads {FORMAT_VERSION}"
        raise AnswerArtifactError(path, [problem])
    manifest = AnswerManifest(
        name=reader.text("name"),
        version=reader.text("version"),
        created=reader.text("created"),
        model_ids=reader.distinct_texts("model_ids"),
        feature_names=reader.distinct_texts("feature_names"),
        hidden_units=reader.integer("hidden_units", minimum=1),
        unknown_share=reader.number("unknown_share", minimum=0),
        data_sources=tuple(DataSource.parse(item) for item in reader.items("data_sources")),
        sha256=reader.text("sha256"),
        metrics=reader.number_by_name("metrics"),
    )
    return manifest, [*reader.problems, *_limit_problems(manifest)]


def _limit_problems(manifest: AnswerManifest) -> list[str]:
    problems = []
    if manifest.feature_names != NAMES:
        problems.append("feature_names are of another version: train the answer scorer again")
    if manifest.unknown_share > 1:
        problems.append(f"unknown_share must be at most 1, is {manifest.unknown_share:g}")
    if manifest.hidden_units > MAX_HIDDEN_UNITS:
        problems.append(f"hidden_units must be at most {MAX_HIDDEN_UNITS}")
    if len(manifest.model_ids) > MAX_MODELS:
        problems.append(f"model_ids must be at most {MAX_MODELS}")
    return problems


def _read(path: Path, size: int) -> bytes | None:
    """Returns the content of a file of exactly this size."""
    try:
        return path.read_bytes() if path.stat().st_size == size else None
    except OSError:
        return None


def _shapes(manifest: AnswerManifest) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of the arrays, in the order of the file."""
    features, hidden = len(NAMES), manifest.hidden_units
    models = len(manifest.model_ids)
    return {
        "mean": (features,),
        "scale": (features,),
        "input": (features, hidden),
        "prior_input": (hidden,),
        "hidden_bias": (hidden,),
        "hidden_bias_by_model": (models, hidden),
        "output": (hidden,),
        "linear": (features,),
        "linear_by_model": (models, features),
        "slope": (models + 1,),
        "bias": (models + 1,),
    }


def _weight_count(manifest: AnswerManifest) -> int:
    return sum(math.prod(shape) for shape in _shapes(manifest).values())


def _model(manifest: AnswerManifest, content: bytes) -> AnswerModel:
    values, start, arrays = np.frombuffer(content, dtype=_DTYPE), 0, {}
    for name, shape in _shapes(manifest).items():
        count = math.prod(shape)
        arrays[name] = values[start : start + count].reshape(shape)
        start += count
    return AnswerModel(model_ids=manifest.model_ids, unknown_share=manifest.unknown_share, **arrays)


def _arrays(model: AnswerModel) -> list[np.ndarray]:
    """Returns the arrays of a model, in the order of the file."""
    return [
        model.mean,
        model.scale,
        model.input,
        model.prior_input,
        model.hidden_bias,
        model.hidden_bias_by_model,
        model.output,
        model.linear,
        model.linear_by_model,
        model.slope,
        model.bias,
    ]
