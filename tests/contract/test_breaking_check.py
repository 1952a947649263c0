"""`scripts/breaking_check.sh` compares the contract with the last release, if there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shutil import copy, copytree

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = "scripts/breaking_check.sh"
JUDGE = "proto/routemoa/v1/judge_service.proto"
IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@localhost")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the contract and no tag."""
    copytree(ROOT / "proto", tmp_path / "proto")
    (tmp_path / "scripts").mkdir()
    copy(ROOT / SCRIPT, tmp_path / SCRIPT)
    copy(ROOT / "buf.yaml", tmp_path)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(repository: Path, *arguments: str) -> None:
    command = ["git", *IDENTITY, *arguments]
    subprocess.run(command, cwd=repository, check=True, timeout=120)  # noqa: S603  # our own arguments


def commit(repository: Path) -> None:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "change")


def check(repository: Path) -> tuple[int, str]:
    """Returns the script's exit status and what it printed."""
    environment = os.environ | {"BUF": str(Path(sys.executable).parent / "buf")}
    done = subprocess.run(  # noqa: S603  # our own script
        [repository / SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def edit(repository: Path, old: str, new: str) -> None:
    path = repository / JUDGE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    commit(repository)


def test_without_a_release_nothing_can_break(repository: Path) -> None:
    edit(repository, "prior_scores = ", "renamed_scores = ")
    git(repository, "tag", "clients/go/v0.1.0")  # how Go finds a release, not one of the contract
    assert check(repository) == (
        0,
        "buf breaking: no release is tagged yet, so there is nothing to break.\n",
    )


def test_a_new_field_breaks_nobody(repository: Path) -> None:
    git(repository, "tag", "v0.1.0")
    edit(
        repository,
        "message AssessAnswersRequest {",
        "message AssessAnswersRequest {\n  string new = 99;",
    )
    status, printed = check(repository)
    assert (status, "v0.1.0" in printed) == (0, True)


def test_a_renamed_field_is_refused(repository: Path) -> None:
    git(repository, "tag", "v0.1.0")
    edit(repository, "prior_scores = ", "renamed_scores = ")
    status, printed = check(repository)
    assert status != 0
    assert "prior_scores" in printed


def test_a_renamed_method_is_refused(repository: Path) -> None:
    git(repository, "tag", "v0.1.0")
    edit(repository, "rpc AssessAnswers(", "rpc RateAnswers(")
    status, printed = check(repository)
    assert status != 0
    assert "AssessAnswers" in printed


def test_a_shallow_clone_says_that_it_may_lack_the_release(
    repository: Path, tmp_path: Path
) -> None:
    git(repository, "tag", "v0.1.0")
    commit(repository)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", str(clone))
    status, printed = check(clone)
    assert (status, "this clone is shallow" in printed) == (0, True)


def test_the_newest_release_is_the_one_that_counts(repository: Path) -> None:
    git(repository, "tag", "v0.1.0")
    edit(repository, "prior_scores = ", "renamed_scores = ")
    git(repository, "tag", "v0.2.0")
    commit(repository)
    assert check(repository)[0] == 0
