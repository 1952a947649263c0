"""Predicts, before any model runs, how well each model of a pool would answer a query.

A query becomes token ids (``tokenizer``), an artifact (``artifact``) becomes an ONNX Runtime
session (``runtime``), and the session returns one calibrated score per model. Nothing imported here
needs torch; the modules that train, export and quantize are loaded by ``python -m scorer`` on
demand.
"""

from __future__ import annotations

from pathlib import Path

from scorer.artifact import Artifact, ArtifactError, load_artifact
from scorer.runtime import Provider, ProviderUnavailableError, Runtime
from scorer.tokenizer import TokenizedQuery

__all__ = [
    "Artifact",
    "ArtifactError",
    "Provider",
    "ProviderUnavailableError",
    "Runtime",
    "TokenizedQuery",
    "default_artifact_path",
    "load_artifact",
]


def default_artifact_path() -> Path:
    """Returns the directory of the artifact that is shipped with this package."""
    return Path(__file__).parent / "artifacts" / "default"
