"""Starting, promoting and stopping a rollout; each may be repeated after a kill at any point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scorer import default_artifact_path, load_artifact
from scorer.export import activation
from scorer.rollout import stages
from scorer.rollout.rollout import Rollout, RolloutSettings, Stage
from scorer.rollout.rollout_files import RolloutFiles
from scorer.rollout.stages import RolloutRefusedError
from tests.unit.scorer.rollout.samples import activated, log_lines, renamed_artifact

if TYPE_CHECKING:
    from pathlib import Path

ACTIVE = load_artifact(default_artifact_path()).manifest
FIRST, SECOND = ACTIVE.model_ids[:2]
SWAPPED = {FIRST: SECOND, SECOND: FIRST}


@pytest.fixture
def files(tmp_path: Path) -> RolloutFiles:
    return RolloutFiles(activated(tmp_path))


def start(files: RolloutFiles, candidate: Path, *, allow_fewer_models: bool = False) -> Rollout:
    return stages.start(
        files,
        candidate,
        RolloutSettings(),
        allow_fewer_models=allow_fewer_models,
        even_if_worse=False,
        warn=lambda _: None,
    )


def test_a_rollout_starts_as_a_shadow(files: RolloutFiles, tmp_path: Path) -> None:
    rollout = start(files, renamed_artifact(tmp_path / "new", SWAPPED))
    assert files.read() == rollout
    assert rollout.stage is Stage.SHADOW
    assert rollout.share == 0
    assert str(rollout.candidate) == "new"
    assert rollout.active_version == ACTIVE.version
    assert files.link.resolve() == default_artifact_path().resolve()


def test_a_candidate_without_models_of_the_pool_is_refused_unless_asked_for(
    files: RolloutFiles, tmp_path: Path
) -> None:
    candidate = renamed_artifact(tmp_path / "new", {FIRST: "another"})
    with pytest.raises(RolloutRefusedError, match=FIRST):
        start(files, candidate)
    assert files.read() is None
    assert start(files, candidate, allow_fewer_models=True).stage is Stage.SHADOW


def test_a_second_rollout_and_the_active_artifact_itself_are_refused_together(
    files: RolloutFiles, tmp_path: Path
) -> None:
    start(files, renamed_artifact(tmp_path / "new", SWAPPED))
    with pytest.raises(RolloutRefusedError) as caught:
        start(files, default_artifact_path())
    running, same = caught.value.problems
    assert "is running" in running
    assert "is the active artifact" in same


def test_a_promotion_moves_the_link_and_keeps_the_way_back(
    files: RolloutFiles, tmp_path: Path
) -> None:
    candidate = renamed_artifact(tmp_path / "new", SWAPPED)
    rollout = start(files, candidate)
    promoted = stages.advance(files, rollout, Stage.PROMOTED, "better", {"gain": 0.1})
    assert promoted.stage is Stage.PROMOTED
    assert files.read() == promoted
    assert files.link.resolve() == candidate.resolve()
    previous = files.link.with_name("current.previous")
    assert previous.resolve() == default_artifact_path().resolve()
    assert [line["stage"] for line in log_lines(files.link)] == ["shadow", "promoting", "promoted"]


@pytest.mark.parametrize("stage", [Stage.ROLLED_BACK, Stage.STOPPED])
def test_another_end_leaves_the_link_as_it_is(
    files: RolloutFiles, tmp_path: Path, stage: Stage
) -> None:
    rollout = start(files, renamed_artifact(tmp_path / "new", SWAPPED))
    assert stages.advance(files, rollout, stage, "worse", {}).stage is stage
    assert files.link.resolve() == default_artifact_path().resolve()


def test_a_candidate_that_was_damaged_is_not_promoted(files: RolloutFiles, tmp_path: Path) -> None:
    candidate = renamed_artifact(tmp_path / "new", SWAPPED)
    rollout = start(files, candidate)
    (candidate / "model.onnx").write_bytes(b"")
    with pytest.raises(Exception, match=r"model\.onnx"):
        stages.advance(files, rollout, Stage.PROMOTED, "better", {})
    assert files.link.resolve() == default_artifact_path().resolve()


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("survived", range(5))
def test_the_next_command_finishes_what_a_killed_one_began(
    files: RolloutFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    """A promotion makes five steps: log, file, link, log, file. Each may be the last."""
    candidate = renamed_artifact(tmp_path / "new", SWAPPED)
    rollout = start(files, candidate)
    left = survived

    def mortal(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def step(*arguments: object, **options: object) -> object:
            nonlocal left
            if not left:
                raise KilledError
            left -= 1
            return real(*arguments, **options)

        monkeypatch.setattr(owner, name, step)

    with monkeypatch.context():
        mortal(RolloutFiles, "record")
        mortal(RolloutFiles, "write")
        mortal(activation, "activate")
        with pytest.raises(KilledError):
            stages.advance(files, rollout, Stage.PROMOTED, "better", {})
    monkeypatch.undo()
    found = files.read()
    assert found is not None
    finished = stages.finish(files, found)
    if finished.stage is Stage.SHADOW:  # the decision was not yet written: it is made again
        finished = stages.advance(files, finished, Stage.PROMOTED, "better", {})
    assert finished.stage is Stage.PROMOTED
    assert files.link.resolve() == candidate.resolve()
    previous = files.link.with_name("current.previous")
    assert previous.resolve() == default_artifact_path().resolve()
    assert [line["stage"] for line in log_lines(files.link)] == ["shadow", "promoting", "promoted"]
