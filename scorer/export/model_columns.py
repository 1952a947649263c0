"""Reads and writes the weights of a graph that belong to single models, a column each. Needs onnx.

They are fp32 in every precision, so that one model's weights can change without moving another's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import numpy_helper

from scorer.export import graph
from scorer.runtime.runtime import SCORES_OUTPUT, SUCCESS_OUTPUT, TOKENS_OUTPUT
from scorer.training.calibrate import Calibration

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from onnx import ModelProto

    Floats = npt.NDArray[np.float64]

OUTPUTS_BY_MODEL = {SCORES_OUTPUT, SUCCESS_OUTPUT, TOKENS_OUTPUT}

WEIGHTS_BY_MODEL = (graph.SUCCESS, graph.SLOPE, graph.OFFSET, graph.TOKENS)
"""Names of the weights whose last axis is the models."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelColumns:
    """The weights of M models."""

    weights: Mapping[str, Floats]
    """Weights by name, those of ``WEIGHTS_BY_MODEL`` that the graph has, each (..., M)."""

    @property
    def success(self) -> Floats:
        """Probability that a model answers a query of a class well, (C, M)."""
        return self.weights[graph.SUCCESS]

    @property
    def calibration(self) -> Calibration:
        """The calibration of the scores."""
        return Calibration(slope=self.weights[graph.SLOPE], offset=self.weights[graph.OFFSET])

    def without(self, index: int) -> ModelColumns:
        """Returns all columns but one."""
        return ModelColumns(
            weights={name: np.delete(each, index, -1) for name, each in self.weights.items()}
        )

    def followed_by(self, other: Mapping[str, Floats]) -> ModelColumns:
        """Returns these columns followed by those of ``other``, which has all of these weights."""
        return ModelColumns(
            weights={
                name: np.concatenate([each, other[name]], -1) for name, each in self.weights.items()
            }
        )


def read_columns(model: ModelProto) -> ModelColumns:
    """Returns the columns of a graph's models."""
    weights = graph.weights_of(model.graph)
    return ModelColumns(
        weights={
            name: numpy_helper.to_array(weights[name]).astype(np.float64)
            for name in WEIGHTS_BY_MODEL
            if name in weights
        }
    )


def write_columns(model: ModelProto, columns: ModelColumns) -> None:
    """Replaces the columns of a graph; the number of models may change."""
    for name, found in columns.weights.items():
        graph.replace_weight(model.graph, name, found.astype(np.float32))
    for output in model.graph.output:
        if output.name in OUTPUTS_BY_MODEL:
            output.type.tensor_type.shape.dim[-1].dim_value = len(columns.calibration.slope)
    # The shapes that the exporter recorded for values in between no longer hold.
    del model.graph.value_info[:]
