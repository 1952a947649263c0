"""Do two forms of the same scorer agree? Measurements on held-out records, with their gates.

A gate that fails means that the artifact is not written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorer.artifact import ParityCheck
from scorer.measures.ranking import ranking_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.data.records import Record

    Floats = npt.NDArray[np.floating]

PROBE_SIZE = 256
"""Most queries that parity is measured on."""

EXPORT_TOLERANCE = 1e-4
"""Largest |score difference| between torch and ONNX: rounding, and nothing else."""

MEAN_SCORE_DIFFERENCE = 0.02
"""Largest mean |score difference| between fp32 and int8: below what calibration can promise."""

TOP_1_AGREEMENT = 0.9
"""Smallest share of queries for which fp32 and int8 rank the same model first. Models that are as
good as tied change places freely, so the next gate is the one that costs quality."""

CHOSEN_SCORE_LOSS = 0.01
"""Largest loss of the first-ranked model's mean score through int8."""

COMPANION_DIFFERENCE = 0.02
"""Largest mean |score difference| of a query scored alone and in a batch. Dynamic quantization takes
its scales from the whole batch, so an int8 score depends a little on what it is batched with."""


class ParityError(Exception):
    """Raised when a gate fails; ``checks`` are all measurements, failed or not."""

    def __init__(self, checks: tuple[ParityCheck, ...]) -> None:
        failed = [f"{check.name} is {check.value:.6f}" for check in checks if not check.passed]
        super().__init__("parity gates failed: " + "; ".join(failed))
        self.checks = checks


def probe_of(records: Sequence[Record]) -> list[Record]:
    """Returns at most ``PROBE_SIZE`` records, evenly spread, so that every source has its share."""
    step = max(1, -(-len(records) // PROBE_SIZE))
    return list(records[::step])


def export_checks(torch_scores: Floats, onnx_scores: Floats) -> tuple[ParityCheck, ...]:
    """Compares the scores (N, M) of the checkpoint and of its ONNX graph."""
    largest = float(np.abs(torch_scores - onnx_scores).max())
    return (ParityCheck(name="torch_onnx_max_difference", value=largest, maximum=EXPORT_TOLERANCE),)


def quantization_checks(
    fp32: Floats, int8: Floats, int8_alone: Floats, targets: Floats
) -> tuple[ParityCheck, ...]:
    """Compares the scores (N, M) of an artifact and of its quantized form.

    Args:
        fp32: Scores of the artifact.
        int8: Scores of the quantized artifact, in batches.
        int8_alone: The same, one query at a time.
        targets: The labels; a model without one is no candidate for that query.
    """
    difference = np.abs(fp32 - int8)
    companions = np.abs(int8 - int8_alone)
    loss = ranking_figures(fp32, targets).mean_score - ranking_figures(int8, targets).mean_score
    agreement = float((_first(fp32, targets) == _first(int8, targets)).mean())
    return (
        ParityCheck(
            name="int8_mean_difference",
            value=float(difference.mean()),
            maximum=MEAN_SCORE_DIFFERENCE,
        ),
        ParityCheck(name="int8_p99_difference", value=float(np.percentile(difference, 99))),
        ParityCheck(name="int8_max_difference", value=float(difference.max())),
        ParityCheck(name="int8_top_1_agreement", value=agreement, minimum=TOP_1_AGREEMENT),
        ParityCheck(name="int8_chosen_score_loss", value=loss, maximum=CHOSEN_SCORE_LOSS),
        ParityCheck(
            name="int8_companion_mean_difference",
            value=float(companions.mean()),
            maximum=COMPANION_DIFFERENCE,
        ),
        ParityCheck(name="int8_companion_max_difference", value=float(companions.max())),
    )


def require(checks: tuple[ParityCheck, ...]) -> None:
    """Raises ``ParityError`` unless every gate holds."""
    if not all(check.passed for check in checks):
        raise ParityError(checks)


def _first(scores: Floats, targets: Floats) -> npt.NDArray[np.intp]:
    first: npt.NDArray[np.intp] = np.where(np.isnan(targets), -np.inf, scores).argmax(axis=1)
    return first
