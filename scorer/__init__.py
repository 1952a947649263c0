"""Predicts, before any model runs, how well each model of a pool would answer a query.

A query becomes token ids (``tokenizer``), an artifact (``artifact``) becomes an ONNX Runtime
session (``runtime``), and the session returns one calibrated score per model. Nothing imported here
needs torch; the modules that train, export and quantize are loaded by ``python -m scorer`` on
demand.
"""

from __future__ import annotations

import os
from pathlib import Path

# From 1.29 on, the published ONNX Runtime reports to its maker, models' names and sizes included, from
# the moment it is imported. It reads this then, once, so this stands before anything that imports it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from scorer.runtime.artifact import Artifact, ArtifactError, load_artifact  # see above
from scorer.runtime.runtime import Runtime  # see above
from scorer.runtime.session import Provider, ProviderUnavailableError  # see above
from scorer.runtime.tokenizer import TokenizedQuery  # see above

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
