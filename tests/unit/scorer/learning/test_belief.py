"""Decisions and feedback become what the words of models are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scorer.belief.share import TEXT_SHARE
from scorer.learning.belief.learn_belief import LEAST_FEEDBACK, learn_belief
from scorer.learning.traffic.files import read_files
from scorer.learning.traffic.traffic import TrafficError
from tests.unit.scorer.learning.traffic_lines import START, decision, feedback, write_lines

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.belief.parameters import BeliefParameters


def graded(number: int, *, right: bool) -> list[dict[str, Any]]:
    """Returns a decision on whose final answer m2 is honest, m3 always lies, and its feedback."""
    line: dict[str, Any] = decision(str(number), agrees={"m1": True})
    layer = line["layers"][0]
    layer["answers"] += [
        {"model_id": "m2", "grades": {"m1": 0.8 if right else 0.2}},
        {"model_id": "m3", "grades": {"m1": 0.0}},
    ]
    layer["assessments"] = [
        {
            "model_id": "m1",
            "posterior_score": 0.5,
            "self_score": 1.0,
            "answer_score": 0.8 if right else 0.2,
        }
    ]
    return [line, feedback(str(number), score=float(right))]


def learned(tmp_path: Path, count: int) -> BeliefParameters:
    lines = [line for n in range(count) for line in graded(n, right=n % 3 > 0)]
    path = write_lines(tmp_path / "all.jsonl", lines)
    return learn_belief(read_files([path]), now=START, source=path)


def test_honest_graders_are_worth_more_than_liars_and_flatterers(tmp_path: Path) -> None:
    found = learned(tmp_path, 90)
    assert found.decision_count == 90
    honest, liar, flatterer = found.grades["m2"], found.grades["m3"], found.self_scores["m1"]
    assert honest.evidence(0.8) - honest.evidence(0.2) > 1.0
    assert liar.evidence(0.0) == pytest.approx(0.0)
    assert flatterer.evidence(1.0) == pytest.approx(0.0)
    assert found.text_share > TEXT_SHARE


def test_too_little_feedback_teaches_nothing(tmp_path: Path) -> None:
    with pytest.raises(TrafficError, match="decisions have feedback"):
        learned(tmp_path, LEAST_FEEDBACK - 1)
