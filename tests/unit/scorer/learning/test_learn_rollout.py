"""`learn --rollout`: a candidate beside the link and its rollout, or a reason why not yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.commands.learn import LEAST_NEW_FEEDBACK
from scorer.rollout import stages
from scorer.rollout.rollout import Stage
from scorer.rollout.rollout_files import RolloutFiles
from tests.unit.scorer.learning.test_learn import ARTIFACT, BAD, GOOD, NEW, lines
from tests.unit.scorer.learning.traffic_lines import decision, write_lines
from tests.unit.scorer.rollout.samples import activated, renamed_artifact

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

SUCCESS = {GOOD: 0.95, BAD: 0.1, NEW: 0.9}


@pytest.fixture
def link(tmp_path: Path) -> Path:
    (tmp_path / "artifacts").mkdir()
    return activated(tmp_path / "artifacts")


def learn(link: Path, records: Path, *options: str) -> Result:
    arguments = ["learn", str(ARTIFACT), str(records), "--rollout", str(link), *options]
    return CliRunner().invoke(app, arguments)


def candidates(link: Path) -> list[Path]:
    return sorted(link.parent.glob("learned-*"))


def test_enough_feedback_becomes_a_candidate_with_a_rollout(link: Path, tmp_path: Path) -> None:
    records = write_lines(tmp_path / "all.jsonl", lines(LEAST_NEW_FEEDBACK, SUCCESS))
    result = learn(link, records)
    assert result.exit_code == 0, result.output
    rollout = RolloutFiles(link).read()
    assert rollout is not None
    assert rollout.stage is Stage.SHADOW
    assert [RolloutFiles(link).candidate_of(rollout)] == candidates(link)
    again = learn(link, records)
    assert (again.exit_code, len(candidates(link))) == (0, 1)
    assert f"rollout {rollout.id} is running" in again.stderr


def test_feedback_from_before_the_last_rollout_starts_no_other(link: Path, tmp_path: Path) -> None:
    records = write_lines(tmp_path / "all.jsonl", lines(LEAST_NEW_FEEDBACK, SUCCESS))
    assert learn(link, records).exit_code == 0
    files = RolloutFiles(link)
    running = files.read()
    assert running is not None
    stages.advance(files, running, Stage.STOPPED, "by command", {})
    result = learn(link, records)
    assert (result.exit_code, len(candidates(link))) == (0, 1)
    assert f"0 decisions with feedback are new, {LEAST_NEW_FEEDBACK} are needed" in result.stderr


def test_no_traffic_yet_is_no_error(link: Path, tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    empty = write_lines(tmp_path / "empty.jsonl", [])
    unrated = write_lines(tmp_path / "unrated.jsonl", [decision("d")])
    for records in (tmp_path / "records", empty, unrated):
        result = learn(link, records)
        assert result.exit_code == 0, result.output
        assert "nothing was learned: " in result.stderr
    assert not candidates(link)


def test_bad_records_are_an_error(link: Path, tmp_path: Path) -> None:
    result = learn(link, write_lines(tmp_path / "all.jsonl", [decision("d") | {"layers": 3}]))
    assert result.exit_code == 1
    assert "line 1: layers must be a list" in result.stderr


def test_a_candidate_that_chooses_worse_is_not_kept(link: Path, tmp_path: Path) -> None:
    old = lines(800, {GOOD: 0.02, BAD: 0.98, NEW: 0.02})
    new = lines(200, {GOOD: 0.98, BAD: 0.02, NEW: 0.98}, start=800)
    result = learn(link, write_lines(tmp_path / "all.jsonl", [*old, *new]))
    assert result.exit_code == 0
    assert "is worse than the one that served" in result.stderr
    assert not candidates(link)
    assert RolloutFiles(link).read() is None


def test_a_candidate_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(renamed_artifact(tmp_path / "active", {GOOD: "one/more"}))
    records = write_lines(tmp_path / "all.jsonl", lines(LEAST_NEW_FEEDBACK, SUCCESS))
    result = learn(link, records)
    assert result.exit_code == 1
    assert "lacks models of the active artifact: one/more" in result.stderr
    assert not candidates(link)


@pytest.mark.parametrize("options", [("--output", "x"), ("--serving", "x")])
def test_a_rollout_has_its_own_place_and_its_own_comparison(
    link: Path, tmp_path: Path, options: tuple[str, str]
) -> None:
    result = learn(link, tmp_path, *options)
    assert result.exit_code == 1
    assert "give either --output, perhaps with --serving, or --rollout" in result.stderr
