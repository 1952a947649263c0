"""The weights of an ONNX graph that belong to single models: one column of each. Needs onnx.

They are fp32 whatever the precision of the rest, so that one model's can change and no other's does.
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
"""Their last axis is the models."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """What a graph knows of M models."""

    weights: Mapping[str, Floats]
    """By name, those of ``WEIGHTS_BY_MODEL`` that the graph has, each (M,) or (..., M)."""

    @property
    def success(self) -> Floats:
        """Chance that a model answers a query of a class well, (C, M)."""
        return self.weights[graph.SUCCESS]

    @property
    def calibration(self) -> Calibration:
        """Of the scores."""
        return Calibration(slope=self.weights[graph.SLOPE], offset=self.weights[graph.OFFSET])

    def without(self, place: int) -> Columns:
        """Returns all but one column."""
        return Columns(
            weights={name: np.delete(each, place, -1) for name, each in self.weights.items()}
        )

    def followed_by(self, other: Mapping[str, Floats]) -> Columns:
        """Returns these columns and others after them, which have all of these weights."""
        return Columns(
            weights={
                name: np.concatenate([each, other[name]], -1) for name, each in self.weights.items()
            }
        )


def read_columns(model: ModelProto) -> Columns:
    """Returns the columns of a graph's models."""
    weights = graph.weights_of(model.graph)
    return Columns(
        weights={
            name: numpy_helper.to_array(weights[name]).astype(np.float64)
            for name in WEIGHTS_BY_MODEL
            if name in weights
        }
    )


def write_columns(model: ModelProto, columns: Columns) -> None:
    """Gives a graph other columns, of as many models as there are now."""
    for name, found in columns.weights.items():
        graph.replace_weight(model.graph, name, found.astype(np.float32))
    for output in model.graph.output:
        if output.name in OUTPUTS_BY_MODEL:
            output.type.tensor_type.shape.dim[-1].dim_value = len(columns.calibration.slope)
    # What the exporter noted of shapes in between is no longer so.
    del model.graph.value_info[:]
