"""Reading decisions and feedback: what is joined, what is left out and counted, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scorer.learning.traffic.files import read_files
from scorer.learning.traffic.traffic import (
    NO_ANSWER,
    NO_DECISION,
    NO_FEEDBACK,
    NO_TEXT,
    REPLACED,
    TrafficError,
)
from tests.unit.scorer.learning.traffic_lines import decision, feedback, write_lines

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_of_a_router_is_read_with_its_feedback(tmp_path: Path) -> None:
    write_lines(tmp_path / "decisions-1.jsonl.gz", [decision("b", minute=2), decision("a")])
    said = [feedback("a", score=0.0), feedback("b")]
    write_lines(tmp_path / "feedback-1.jsonl.gz", said)
    traffic = read_files([tmp_path])
    assert [each.id for each in traffic.decisions] == ["a", "b"]
    assert [each.score for each in traffic.feedback["a"]] == [0.0]
    assert not traffic.left_out


def test_what_cannot_be_used_is_counted_by_reason(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "all.jsonl",
        [
            decision("a"),
            decision("b", text=None),
            decision("c", final=None),
            decision("d"),
            feedback("gone"),
            feedback("a", minute=1),
            feedback("a", minute=2),
        ],
    )
    traffic = read_files([path])
    reasons = (NO_TEXT, NO_ANSWER, NO_FEEDBACK, NO_DECISION, REPLACED)
    assert traffic.left_out == dict.fromkeys(reasons, 1)


def test_the_newest_feedback_of_each_source_counts(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "all.jsonl",
        [
            decision("a"),
            feedback("a", minute=3, score=1.0),
            feedback("a", minute=2, score=0.0),
            feedback("a", minute=1, score=0.5, source="checker"),
        ],
    )
    found = read_files([path]).feedback["a"]
    assert {each.source.value: each.score for each in found} == {"user": 1.0, "checker": 0.5}


def test_the_same_line_twice_counts_once(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "all.jsonl", [decision("a"), decision("a"), feedback("a")] * 2)
    traffic = read_files([path])
    assert len(traffic.decisions) == 1
    assert len(traffic.feedback["a"]) == 1


def test_all_problems_are_reported_at_once_with_their_lines(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "all.jsonl",
        [
            decision("a") | {"schema_version": 9},
            feedback("a", score=1.5),
            decision("b") | {"time": "yesterday"},
            feedback("a") | {"source": "nobody"},
        ],
    )
    with pytest.raises(TrafficError) as caught:
        read_files([path])
    assert len(caught.value.problems) == 4
    for number, word in enumerate(("version 9", "[0, 1]", "ISO time", "nobody"), start=1):
        assert f"line {number}: " in caught.value.problems[number - 1]
        assert word in caught.value.problems[number - 1]


def test_feedback_alone_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "all.jsonl", [feedback("a")])
    with pytest.raises(TrafficError, match="no decision record"):
        read_files([path])
