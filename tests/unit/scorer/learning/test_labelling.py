"""Labels of decisions: which model, how good, how much they count."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from scorer.learning.labelling import (
    AGREEMENT_WEIGHT,
    FEEDBACK_WEIGHT,
    HALF_LIFE_DAYS,
    label,
)
from scorer.learning.traffic.files import read_files
from tests.unit.scorer.learning.traffic_lines import START, decision, feedback, write_lines

if TYPE_CHECKING:
    from pathlib import Path

MODELS = ("m1", "m2", "m3")
Labels = dict[str, tuple[float, float]]


def labels_of(tmp_path: Path, *lines: dict[str, object], days: float = 0) -> Labels:
    """Returns value and weight by model; the traffic has one label of each."""
    traffic = read_files([write_lines(tmp_path / "all.jsonl", lines)])
    found = label(traffic, MODELS, now=START + timedelta(days=days))
    names = [MODELS[model] for model in found.models]
    assert len(set(names)) == len(names)
    pairs = zip(found.values.tolist(), found.weights.tolist(), strict=True)
    return dict(zip(names, pairs, strict=True))


def test_feedback_labels_the_model_that_wrote_the_answer(tmp_path: Path) -> None:
    found = labels_of(tmp_path, decision("a"), feedback("a", score=0.25))
    assert found == {"m1": (0.25, FEEDBACK_WEIGHT)}


def test_answers_that_agree_share_the_label_and_others_do_not(tmp_path: Path) -> None:
    agrees = {"m1": True, "m2": True, "m3": False}
    good = labels_of(tmp_path, decision("a", agrees=agrees), feedback("a", score=1.0))
    assert good["m2"] == (1.0, AGREEMENT_WEIGHT)
    assert good["m3"] == (0.0, AGREEMENT_WEIGHT)
    bad = labels_of(tmp_path, decision("a", agrees=agrees), feedback("a", score=0.0))
    assert bad["m2"] == (0.0, AGREEMENT_WEIGHT)
    assert "m3" not in bad  # it may be right, or wrong in another way


def test_a_preferred_model_is_above_the_one_that_answered(tmp_path: Path) -> None:
    line = decision("a", agrees={"m1": True, "m2": False})
    found = labels_of(tmp_path, line, feedback("a", score=None, preferred="m2"))
    assert found == {"m1": (0.0, FEEDBACK_WEIGHT), "m2": (1.0, FEEDBACK_WEIGHT)}


def test_a_preferred_model_that_did_not_answer_gets_no_label(tmp_path: Path) -> None:
    found = labels_of(tmp_path, decision("a"), feedback("a", score=0.0, preferred="m3"))
    assert found == {"m1": (0.0, FEEDBACK_WEIGHT)}


def test_a_better_answer_says_that_the_answer_was_not_good(tmp_path: Path) -> None:
    for better in ("Four.", None):  # a router that keeps no texts drops it
        found = labels_of(tmp_path, decision("a"), feedback("a", score=None, better=better))
        assert found == {"m1": (0.0, FEEDBACK_WEIGHT)}


def test_a_preferred_model_that_wrote_the_final_answer_is_right(tmp_path: Path) -> None:
    found = labels_of(tmp_path, decision("a"), feedback("a", score=None, preferred="m1"))
    assert found == {"m1": (1.0, FEEDBACK_WEIGHT)}


def test_a_label_loses_half_of_its_weight_in_a_half_life(tmp_path: Path) -> None:
    lines = decision("a"), feedback("a")
    found = labels_of(tmp_path, *lines, days=HALF_LIFE_DAYS)
    assert found["m1"][1] == pytest.approx(FEEDBACK_WEIGHT / 2)
    assert labels_of(tmp_path, *lines, days=8 * HALF_LIFE_DAYS) == {}
