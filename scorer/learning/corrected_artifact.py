"""Writes an artifact whose scores are shifted, by model and kind. Needs onnx.

``artifact + shifts (M, K) -> success of each class (C, M) on the logit scale -> sealed directory``

A column whose shifts are zero stays as it is, to the bit.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import onnx

from scorer.export import graph
from scorer.export.edit_models import write_edited
from scorer.export.model_columns import ModelColumns, read_columns, write_columns
from scorer.training.calibrate import logit, sigmoid
from scorer.training.mixture.success import LARGEST_CERTAINTY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from scorer.runtime.artifact import Artifact, DataSource

    Floats = npt.NDArray[np.float64]


def write_corrected(
    source: Artifact,
    shifts: Floats,
    *,
    added: Sequence[str],
    data_source: DataSource,
    metrics: Mapping[str, float],
    output: Path,
) -> Artifact:
    """Writes the artifact; nothing is there until all of it is.

    Args:
        source: The artifact, of any tier and precision.
        shifts: Logits to add to the scores of its models and of the added ones, by kind, (M, K).
        added: Models that it does not have; they start as its average one.
        data_source: The traffic, for the manifest.
        metrics: Figures to add to the manifest's.
        output: The directory of the new artifact; must not exist.
    """
    manifest, model = source.manifest, onnx.load(source.model_path)
    columns = read_columns(model)
    for _ in added:
        columns = columns.followed_by(_average(columns, len(manifest.model_ids)))
    by_class = np.repeat(shifts, [skill.class_count for skill in manifest.skills], axis=1).T
    write_columns(model, _shifted(columns, by_class))
    manifest = dataclasses.replace(
        manifest,
        model_ids=(*manifest.model_ids, *added),
        data_sources=(*manifest.data_sources, data_source),
        metrics={**manifest.metrics, **metrics},
    )
    return write_edited(source, model, manifest, output)


def _average(columns: ModelColumns, count: int) -> dict[str, Floats]:
    """Returns the weights of the average of the first ``count`` models."""
    weights = {
        name: each[..., :count].mean(axis=-1, keepdims=True)
        for name, each in columns.weights.items()
    }
    weights[graph.SUCCESS] = sigmoid(logit(columns.success[:, :count]).mean(axis=1, keepdims=True))
    return weights


def _shifted(columns: ModelColumns, shifts: Floats) -> ModelColumns:
    """Shifts calibrated scores by logits (C, M): before calibration, a shift is that over the slope."""
    moved = sigmoid(logit(columns.success) + shifts / columns.calibration.slope)
    moved = np.clip(moved, 1 - LARGEST_CERTAINTY, LARGEST_CERTAINTY)
    success = np.where(shifts == 0, columns.success, moved)
    return ModelColumns(weights={**columns.weights, graph.SUCCESS: success})
