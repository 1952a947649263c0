"""`routemoa rollout` on the command line, with records in files."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from scorer import default_artifact_path, load_artifact
from scorer.rollout.rollout_files import RolloutFiles
from services.evaluation.rollout.rollout_command import app
from tests.unit.evaluation.rollout.test_observations import DIFFERS, decision
from tests.unit.scorer.rollout.samples import activated, renamed_artifact

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

FIRST, SECOND = load_artifact(default_artifact_path()).manifest.model_ids[:2]


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """Returns a link with a rollout in its shadow stage, which needs one query."""
    link = activated(tmp_path)
    candidate = renamed_artifact(tmp_path / "new", {FIRST: SECOND, SECOND: FIRST})
    started = invoke("start", str(candidate), "--min-shadow-queries", "1", "--link", str(link))
    assert started.exit_code == 0, started.output
    return link


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def write(folder: Path, rollout_id: str) -> Path:
    folder.mkdir()
    line = decision(1, DIFFERS, rollout_id=rollout_id).model_dump_json(exclude_none=True)
    (folder / "decisions-1.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    return folder


def test_a_step_reads_the_files_of_a_directory(link: Path, tmp_path: Path) -> None:
    rollout = RolloutFiles(link).read()
    assert rollout is not None
    records = str(write(tmp_path / "records", rollout.id))
    step = invoke("step", "--link", str(link), "--records", records, "--json")
    assert json.loads(step.stdout)["stage"] == "share"
    shown = invoke("status", "--link", str(link), "--records", records)
    assert "share" in shown.stdout


def test_no_records_yet_are_no_evidence_and_no_error(link: Path, tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    step = invoke("step", "--link", str(link), "--records", str(tmp_path / "records"), "--json")
    assert step.exit_code == 0
    assert json.loads(step.stdout)["stage"] == "shadow"


def test_a_missing_directory_and_a_second_start_are_refused(link: Path, tmp_path: Path) -> None:
    missing = invoke("step", "--link", str(link), "--records", str(tmp_path / "nowhere"))
    assert missing.exit_code == 1
    assert "nowhere: there is no such file" in missing.stderr
    again = ("start", str(tmp_path / "new"), "--link", str(link))
    assert "is running" in invoke(*again).stderr
    assert invoke(*again, "--unless-running").exit_code == 0


def test_an_operator_ends_a_rollout_once(link: Path) -> None:
    stopped = invoke("stop", "--link", str(link), "--json")
    assert json.loads(stopped.stdout)["stage"] == "stopped"
    assert "no rollout" in invoke("promote", "--link", str(link)).stderr


def test_a_rollout_whose_active_artifact_was_changed_is_rolled_back(
    link: Path, tmp_path: Path
) -> None:
    link.unlink()
    link.symlink_to(tmp_path / "new")
    (tmp_path / "records").mkdir()
    step = invoke("step", "--link", str(link), "--records", str(tmp_path / "records"), "--json")
    assert json.loads(step.stdout)["stage"] == "rolled_back"
