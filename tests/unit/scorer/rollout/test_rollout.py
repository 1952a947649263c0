"""A rollout's file, its log, its lock, and the arm of a conversation."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from scorer.rollout.assignment import takes_candidate
from scorer.rollout.rollout import RolloutError, RolloutSettings, Stage, parse_rollout
from scorer.rollout.rollout_files import RolloutBusyError, RolloutFiles
from tests.unit.scorer.rollout.samples import ROLLOUT, log_lines


@pytest.fixture
def files(tmp_path: Path) -> RolloutFiles:
    return RolloutFiles(tmp_path / "current")


def test_what_is_written_is_read_again(files: RolloutFiles) -> None:
    assert files.read() is None
    files.write(ROLLOUT)
    assert files.read() == ROLLOUT
    assert files.candidate_of(ROLLOUT) == files.link.parent / "candidate"


def test_every_problem_of_a_file_is_named() -> None:
    document = json.loads(ROLLOUT.as_json())
    document |= {"stage": "late", "id": ""}
    document["settings"] |= {"share": 1.0, "min_feedback": 9000}
    with pytest.raises(RolloutError) as caught:
        parse_rollout(json.dumps(document).encode(), Path("state"))
    found = "; ".join(caught.value.problems)
    for name in ("stage", "id", "share", "min_feedback"):
        assert name in found


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"schema_version": 2}', b"\xff"])
def test_a_file_that_is_no_rollout_is_refused(data: bytes) -> None:
    with pytest.raises(RolloutError):
        parse_rollout(data, Path("state"))


def test_a_change_is_logged_once_however_often_it_is_repeated(files: RolloutFiles) -> None:
    for _ in range(2):
        files.record(ROLLOUT, {"query_count": 1})
    files.record(dataclasses.replace(ROLLOUT, stage=Stage.SHARE), {})
    assert [line["stage"] for line in log_lines(files.link)] == ["shadow", "share"]


def test_a_torn_line_of_the_log_is_ended_and_harms_no_other(files: RolloutFiles) -> None:
    files.log.write_text('{"rollout_id": "01234567')
    files.record(ROLLOUT, {})
    torn, line = files.log.read_text().splitlines()
    assert torn == '{"rollout_id": "01234567'
    assert json.loads(line)["rollout_id"] == ROLLOUT.id


def test_two_commands_do_not_change_a_rollout_together(files: RolloutFiles) -> None:
    with files.locked(), pytest.raises(RolloutBusyError, match="try again"), files.locked():
        pass
    with files.locked():
        pass


def test_only_a_rollout_in_its_share_stage_lets_the_candidate_answer() -> None:
    shares = {stage: dataclasses.replace(ROLLOUT, stage=stage).share for stage in Stage}
    answering = {stage for stage, share in shares.items() if share}
    assert answering == {Stage.SHARE, Stage.PROMOTING}


def test_a_conversation_stays_on_its_arm_and_the_arms_have_their_shares() -> None:
    keys = [f"conversation {number}" for number in range(4000)]
    arms = [takes_candidate("a", key, 0.3) for key in keys]
    assert arms == [takes_candidate("a", key, 0.3) for key in keys]
    assert sum(arms) / len(arms) == pytest.approx(0.3, abs=0.03)
    other = [takes_candidate("b", key, 0.3) for key in keys]
    both = sum(x and y for x, y in zip(arms, other, strict=True)) / len(keys)
    assert both == pytest.approx(0.09, abs=0.02)
    assert not any(takes_candidate("a", key, 0.0) for key in keys)


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        (RolloutSettings(), 0),
        (RolloutSettings(share=0.0), 1),
        (RolloutSettings(share=1.0, min_feedback=2, max_feedback=1), 2),
    ],
)
def test_settings_that_make_no_sense_are_problems(settings: RolloutSettings, count: int) -> None:
    assert len(settings.problems) == count
