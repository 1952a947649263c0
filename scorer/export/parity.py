"""Measures on held-out records whether two forms of a scorer agree.

If a gate fails, the artifact is not written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.ranking import ranking_figures
from scorer.runtime.artifact import MAX_MEAN_SCORE_DIFFERENCE, ParityCheck, Precision

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.data.records import Record

    Floats = npt.NDArray[np.floating]

PROBE_SIZE = 1024
"""Largest number of queries that parity is measured on: one query is then a tenth of a percent."""

EXPORT_TOLERANCE = 1e-4
"""Largest |score difference| between torch and ONNX: no more than rounding."""

TOP_1_AGREEMENT = 0.98
"""Smallest share of queries whose first-ranked model is the same in fp32 and in fewer bits."""

CHOSEN_SCORE_LOSS = 0.002
"""Largest loss of the first-ranked model's mean score by fewer bits."""

UNCHANGED_TOLERANCE = 1e-5
"""Largest |score difference| of a model after another one was added: rounding of wider products."""

COMPANION_DIFFERENCE = {Precision.FP32: 1e-4, Precision.INT8: 1e-4, Precision.FP16: 1e-3}
"""Largest |score difference| of a query scored alone and in a batch: no more than rounding."""


class ParityError(Exception):
    """Raised when a gate fails; ``checks`` holds all measurements, failed or not."""

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


def precision_checks(
    precision: Precision, *, fp32: Floats, fewer: Floats, fewer_alone: Floats, targets: Floats
) -> tuple[ParityCheck, ...]:
    """Compares the scores (N, M) of an artifact in fp32 and with fewer bits.

    Args:
        precision: The precision with fewer bits; the checks are named after it.
        fp32: Scores of the artifact.
        fewer: Scores with fewer bits, in batches.
        fewer_alone: Scores with fewer bits, one query at a time.
        targets: Labels; a model without one is no candidate for that query.
    """
    difference = np.abs(fp32 - fewer)
    loss = ranking_figures(fp32, targets).mean_score - ranking_figures(fewer, targets).mean_score
    agreement = float((_first(fp32, targets) == _first(fewer, targets)).mean())
    return (
        ParityCheck(
            name=f"{precision}_mean_difference",
            value=float(difference.mean()),
            maximum=MAX_MEAN_SCORE_DIFFERENCE,
        ),
        ParityCheck(name=f"{precision}_p99_difference", value=float(np.percentile(difference, 99))),
        ParityCheck(name=f"{precision}_max_difference", value=float(difference.max())),
        ParityCheck(name=f"{precision}_top_1_agreement", value=agreement, minimum=TOP_1_AGREEMENT),
        ParityCheck(name=f"{precision}_chosen_score_loss", value=loss, maximum=CHOSEN_SCORE_LOSS),
        ParityCheck(
            name=f"{precision}_companion_max_difference",
            value=float(np.abs(fewer - fewer_alone).max()),
            maximum=COMPANION_DIFFERENCE[precision],
        ),
    )


def unchanged_checks(before: Floats, after: Floats) -> tuple[ParityCheck, ...]:
    """Compares the scores (N, M) of models before and after another one was added."""
    largest = float(np.abs(before - after).max())
    return (
        ParityCheck(name="other_models_max_difference", value=largest, maximum=UNCHANGED_TOLERANCE),
    )


def require(checks: tuple[ParityCheck, ...]) -> None:
    """Raises ``ParityError`` unless every gate holds."""
    if not all(check.passed for check in checks):
        raise ParityError(checks)


def _first(scores: Floats, targets: Floats) -> npt.NDArray[np.intp]:
    first: npt.NDArray[np.intp] = np.where(np.isnan(targets), -np.inf, scores).argmax(axis=1)
    return first
