from __future__ import annotations

import numpy as np
import pytest

from scorer.data.records import Record
from scorer.parity import (
    PROBE_SIZE,
    ParityError,
    export_checks,
    probe_of,
    quantization_checks,
    require,
)

SCORES = np.array([[0.9, 0.2], [0.3, 0.8], [0.6, 0.1], [0.7, 0.4]])
TARGETS = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, np.nan]])


def test_equal_scores_pass_every_gate() -> None:
    require(export_checks(SCORES, SCORES))
    require(quantization_checks(SCORES, SCORES, SCORES, TARGETS))


def test_an_export_that_differs_by_more_than_rounding_fails() -> None:
    with pytest.raises(ParityError, match="torch_onnx_max_difference"):
        require(export_checks(SCORES, SCORES + 2e-4))


def test_a_quantization_that_turns_the_ranking_fails_and_says_by_how_much() -> None:
    with pytest.raises(ParityError) as caught:
        require(quantization_checks(SCORES, SCORES[:, ::-1], SCORES[:, ::-1], TARGETS))
    by_name = {check.name: check for check in caught.value.checks}
    assert by_name["int8_top_1_agreement"].value == 0.25  # one query has a single candidate
    assert by_name["int8_chosen_score_loss"].value == 0.75
    assert not by_name["int8_mean_difference"].passed


def test_scores_that_depend_on_the_batch_too_much_fail() -> None:
    with pytest.raises(ParityError, match="int8_companion_mean_difference"):
        require(quantization_checks(SCORES, SCORES, SCORES + 0.03, TARGETS))


def test_a_gain_is_not_a_loss() -> None:
    better = quantization_checks(SCORES[:, ::-1], SCORES, SCORES, TARGETS)
    by_name = {check.name: check for check in better}
    assert by_name["int8_chosen_score_loss"].value == -0.75
    assert by_name["int8_chosen_score_loss"].passed


def test_a_score_that_is_not_a_number_fails() -> None:
    with pytest.raises(ParityError):
        require(export_checks(SCORES, np.full_like(SCORES, np.nan)))


@pytest.mark.parametrize("count", [1, PROBE_SIZE, PROBE_SIZE + 1, 5 * PROBE_SIZE + 3])
def test_the_probe_is_spread_over_all_records_and_never_too_large(count: int) -> None:
    records = [Record(id=str(n), task="t", query="q", scores={"a": 1.0}) for n in range(count)]
    probe = probe_of(records)
    assert 1 <= len(probe) <= PROBE_SIZE
    assert int(probe[-1].id) >= count - count // PROBE_SIZE - 1
