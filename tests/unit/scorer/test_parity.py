from __future__ import annotations

import functools

import numpy as np
import pytest

from scorer.data.records import Record
from scorer.export.parity import (
    PROBE_SIZE,
    ParityError,
    export_checks,
    precision_checks,
    probe_of,
    require,
    unchanged_checks,
)
from scorer.runtime.artifact import Precision

SCORES = np.array([[0.9, 0.2], [0.3, 0.8], [0.6, 0.1], [0.7, 0.4]])
TARGETS = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, np.nan]])

int8_checks = functools.partial(precision_checks, Precision.INT8, targets=TARGETS)


def test_equal_scores_pass_every_gate() -> None:
    require(export_checks(SCORES, SCORES))
    require(unchanged_checks(SCORES, SCORES))
    require(int8_checks(fp32=SCORES, fewer=SCORES, fewer_alone=SCORES))


def test_an_export_that_differs_by_more_than_rounding_fails() -> None:
    with pytest.raises(ParityError, match="torch_onnx_max_difference"):
        require(export_checks(SCORES, SCORES + 2e-4))


def test_fewer_bits_that_turn_the_ranking_fail_and_say_by_how_much() -> None:
    turned = SCORES[:, ::-1]
    with pytest.raises(ParityError) as caught:
        require(int8_checks(fp32=SCORES, fewer=turned, fewer_alone=turned))
    by_name = {check.name: check for check in caught.value.checks}
    assert by_name["int8_top_1_agreement"].value == 0.25  # one query has a single candidate
    assert by_name["int8_chosen_score_loss"].value == 0.75
    assert not by_name["int8_mean_difference"].passed


def test_one_query_in_forty_that_another_model_is_chosen_for_is_too_many() -> None:
    scores = np.tile(SCORES[:1], (40, 1))
    fewer = scores.copy()
    fewer[0] = [0.5, 0.51]
    targets = np.ones_like(scores)
    checks = precision_checks(
        Precision.FP16, fp32=scores, fewer=fewer, fewer_alone=fewer, targets=targets
    )
    with pytest.raises(ParityError, match="fp16_top_1_agreement"):
        require(checks)


def test_scores_that_depend_on_the_batch_fail() -> None:
    with pytest.raises(ParityError, match="int8_companion_max_difference"):
        require(int8_checks(fp32=SCORES, fewer=SCORES, fewer_alone=SCORES + 2e-4))


def test_a_gain_is_not_a_loss() -> None:
    turned = SCORES[:, ::-1]
    by_name = {
        check.name: check for check in int8_checks(fp32=turned, fewer=SCORES, fewer_alone=SCORES)
    }
    assert by_name["int8_chosen_score_loss"].value == -0.75
    assert by_name["int8_chosen_score_loss"].passed


def test_another_model_s_score_that_moves_fails() -> None:
    with pytest.raises(ParityError, match="other_models_max_difference"):
        require(unchanged_checks(SCORES, SCORES + 2e-5))


def test_a_score_that_is_not_a_number_fails() -> None:
    with pytest.raises(ParityError):
        require(export_checks(SCORES, np.full_like(SCORES, np.nan)))


@pytest.mark.parametrize("count", [1, PROBE_SIZE, PROBE_SIZE + 1, 5 * PROBE_SIZE + 3])
def test_the_probe_is_spread_over_all_records_and_never_too_large(count: int) -> None:
    records = [Record(id=str(n), task="t", query="q", scores={"a": 1.0}) for n in range(count)]
    probe = probe_of(records)
    assert 1 <= len(probe) <= PROBE_SIZE
    assert int(probe[-1].id) >= count - count // PROBE_SIZE - 1
