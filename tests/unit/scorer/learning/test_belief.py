"""Decisions and feedback become what the words of models are worth."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.belief.parameters import HeldOut, load_parameters
from scorer.belief.share import TEXT_SHARE
from scorer.learning.belief import learn_belief as learning
from scorer.learning.belief.held_out import held_out, sentence, verdict
from scorer.learning.belief.learn_belief import LEAST_FEEDBACK, fit, learn_belief
from scorer.learning.belief.rated_answers import RatedAnswer
from scorer.learning.traffic.files import read_files
from scorer.learning.traffic.traffic import TrafficError
from scorer.measures.benefit import Verdict
from tests.unit.scorer.learning.traffic_lines import START, decision, feedback, write_lines

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.belief.parameters import BeliefParameters


def graded(number: int, *, right: bool) -> list[dict[str, Any]]:
    """Returns a decision on whose final answer m2 is honest, m3 always lies, and its feedback."""
    line: dict[str, Any] = decision(str(number), agrees={"m1": True})
    line["query"]["text"] = f"question {number}"
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


def test_words_that_tell_gain_on_queries_that_they_were_not_learned_from(tmp_path: Path) -> None:
    found = learned(tmp_path, 90).held_out
    assert found is not None
    assert found.answer_count == 90
    assert 0 < found.low < found.gain < found.high
    assert "make beliefs better" in sentence(found)


def test_words_without_a_meaning_are_not_shown_to_help() -> None:
    draw = random.Random(1)
    answers = [
        dataclasses.replace(
            each, query=str(number), answer_score=None, grades={"m2": draw.random()}
        )
        for number, each in enumerate(contradicting())
    ]
    found = held_out(answers, fit)
    assert found.low <= 0
    assert verdict(found) is Verdict.UNCLEAR


def contradicting() -> list[RatedAnswer]:
    """Returns answers to two queries: what the texts say is right for one, and wrong for the other."""
    return [
        RatedAnswer(
            query=query,
            model_id="m1",
            prior=0.5,
            self_score=None,
            answer_score=0.9 if says_right else 0.1,
            grades={},
            right=float(says_right is (query == "first")),
            weight=1.0,
        )
        for query in ("first", "second")  # of two folds
        for says_right in (True, False) * 200
    ]


def test_words_that_mislead_on_other_queries_are_worse() -> None:
    found = held_out(contradicting(), fit)
    assert verdict(found) is Verdict.WORSE
    assert "make beliefs worse" in sentence(found)


def test_answers_whose_feedback_has_no_weight_show_no_gain() -> None:
    found = held_out([dataclasses.replace(a, weight=0.0) for a in contradicting()], fit)
    assert (found.answer_count, found.low, found.high) == (0, 0.0, 0.0)


def test_a_file_of_words_that_are_worse_is_written_only_if_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line for n in range(30) for line in graded(n, right=n % 3 > 0)]
    records, output = write_lines(tmp_path / "all.jsonl", lines), tmp_path / "belief.json"
    worse = HeldOut(answer_count=30, gain=-0.2, low=-0.3, high=-0.1)
    monkeypatch.setattr(learning, "held_out", lambda *_: worse)
    command = ["learn-belief", str(records), "--output", str(output)]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1
    assert "make beliefs worse" in refused.output
    assert not output.exists()
    taken = CliRunner().invoke(app, [*command, "--even-if-worse"])
    assert taken.exit_code == 0, taken.output
    assert load_parameters(output).held_out == worse
