"""The weights of an ONNX graph that belong to single models: one column of each. Needs onnx.

They are fp32 whatever the precision of the rest, so that one model's can change and no other's does.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import numpy_helper

from scorer import graph
from scorer.calibrate import Calibration
from scorer.runtime import SCORES_OUTPUT, SUCCESS_OUTPUT, TOKENS_OUTPUT

if TYPE_CHECKING:
    import numpy.typing as npt
    from onnx import ModelProto

    Floats = npt.NDArray[np.float64]

OUTPUTS_BY_MODEL = {SCORES_OUTPUT, SUCCESS_OUTPUT, TOKENS_OUTPUT}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """What a graph knows of M models."""

    success: Floats
    """Chance that a model answers a query of a class well, (C, M)."""
    calibration: Calibration
    tokens: Floats | None
    """Expected tokens of a reply, (C, M); None where the graph has none."""

    def without(self, place: int) -> Columns:
        """Returns all but one column."""
        return dataclasses.replace(
            self,
            success=np.delete(self.success, place, axis=1),
            calibration=Calibration(
                slope=np.delete(self.calibration.slope, place),
                offset=np.delete(self.calibration.offset, place),
            ),
            tokens=None if self.tokens is None else np.delete(self.tokens, place, axis=1),
        )

    def followed_by(self, other: Columns) -> Columns:
        """Returns these columns and those of another after them."""
        mine, theirs = self.calibration, other.calibration
        tokens = None
        if self.tokens is not None and other.tokens is not None:
            tokens = np.concatenate([self.tokens, other.tokens], axis=1)
        return Columns(
            success=np.concatenate([self.success, other.success], axis=1),
            calibration=Calibration(
                slope=np.concatenate([mine.slope, theirs.slope]),
                offset=np.concatenate([mine.offset, theirs.offset]),
            ),
            tokens=tokens,
        )


def read_columns(model: ModelProto) -> Columns:
    """Returns the columns of a graph's models."""
    weights = graph.weights_of(model.graph)

    def values(name: str) -> Floats:
        array: Floats = numpy_helper.to_array(weights[name]).astype(np.float64)
        return array

    return Columns(
        success=values(graph.SUCCESS),
        calibration=Calibration(slope=values(graph.SLOPE), offset=values(graph.OFFSET)),
        tokens=values(graph.TOKENS) if graph.TOKENS in weights else None,
    )


def write_columns(model: ModelProto, columns: Columns) -> None:
    """Gives a graph other columns, of as many models as there are now."""
    values = {
        graph.SUCCESS: columns.success,
        graph.SLOPE: columns.calibration.slope,
        graph.OFFSET: columns.calibration.offset,
    }
    if columns.tokens is not None:
        values[graph.TOKENS] = columns.tokens
    for name, found in values.items():
        graph.replace_weight(model.graph, name, found.astype(np.float32))
    for output in model.graph.output:
        if output.name in OUTPUTS_BY_MODEL:
            output.type.tensor_type.shape.dim[-1].dim_value = len(columns.calibration.slope)
    # What the exporter noted of shapes in between is no longer so.
    del model.graph.value_info[:]
