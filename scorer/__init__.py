"""Predicts, before any model runs, how well each model of a pool would answer a query.

A room imports only rooms below it, in this order:

__main__: the list of commands of ``python -m scorer``.
commands: the commands.
reports: pages of pictures. Needs matplotlib.
export: checkpoints -> artifacts, in ONNX. Needs onnx.
evaluation: artifacts and methods, measured on records.
training: records -> checkpoints. Needs torch.
measures: figures of choices, probabilities and spending.
answers: the answer scorer that the judge loads. Needs numpy.
data: routing records, read, written, split, compared and converted.
runtime: what the scorer service loads. Needs numpy, onnxruntime and tokenizers.
progress: progress bars.
"""

from __future__ import annotations

import os
from pathlib import Path

# From 1.29 on, the published ONNX Runtime reports to its maker, models' names and sizes included, from
# the moment it is imported. It reads this variable once, then, so this line stands before its import.
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
