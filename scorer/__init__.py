"""Predicts, before any model runs, how well each model of a pool would answer a query.

A room imports only rooms below it, in this order:

__main__: the list of commands of ``python -m scorer``.
commands: the commands.
reports: pages of pictures. Needs matplotlib.
rollout: a candidate artifact beside the active one, until it is promoted or rolled back.
learning: decisions and feedback -> corrected artifacts. Needs onnx.
export: checkpoints -> artifacts, in ONNX. Needs onnx.
evaluation: artifacts and methods, measured on records.
training: records -> checkpoints. Needs torch.
measures: figures of choices, probabilities and spending.
answers: the answer scorer that the judge loads. Needs numpy.
belief: what the words of models are worth, as the judge loads it.
data: routing records, read, written, split, compared and converted.
runtime: what the scorer service loads. Needs numpy, onnxruntime and tokenizers.
progress: progress bars.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

# From 1.29 on, the published ONNX Runtime reports to its maker, models' names and sizes included, from
# the moment it is imported. It reads this variable once, then, so this line runs before its import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if TYPE_CHECKING:
    from scorer.runtime.artifact import Artifact, ArtifactError, load_artifact
    from scorer.runtime.runtime import Runtime
    from scorer.runtime.session import Provider, ProviderUnavailableError
    from scorer.runtime.tokenizer import TokenizedQuery

_HOMES = {
    "Artifact": "artifact",
    "ArtifactError": "artifact",
    "load_artifact": "artifact",
    "Runtime": "runtime",
    "Provider": "session",
    "ProviderUnavailableError": "session",
    "TokenizedQuery": "tokenizer",
}
"""The module of the room `runtime` that each name is imported from when it is first used: the judge
needs `scorer.answers` alone, without ONNX Runtime."""

__all__ = [
    "Artifact",
    "ArtifactError",
    "Provider",
    "ProviderUnavailableError",
    "Runtime",
    "TokenizedQuery",
    "default_answer_artifact_path",
    "default_artifact_path",
    "load_artifact",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"scorer.runtime.{_HOMES[name]}"), name)


def default_artifact_path() -> Path:
    """Returns the directory of the artifact that is shipped with this package."""
    return Path(__file__).parent / "artifacts" / "default"


def default_answer_artifact_path() -> Path:
    """Returns the directory of the answer scorer that is shipped with this package."""
    return Path(__file__).parent / "artifacts" / "answers"
