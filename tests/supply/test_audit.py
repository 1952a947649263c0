"""The audit of dependencies: what it finds, and that no answer is not taken for a good one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOUND = {"name": "urllib3", "version": "1.24.1", "vulns": [{"id": "CVE-1"}]}
CLEAN = {"name": "grpcio", "version": "1.85.1", "vulns": []}
SKIPPED = {"name": "grpcio", "skip_reason": "not found"}


def audit(folder: Path, **answers: Any) -> subprocess.CompletedProcess[str]:
    """Audits with a pip-audit that gives an answer by the name of the lock file."""
    program = folder / "bin/pip-audit"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport pathlib, sys\n"
        f"answer = {answers!r}[pathlib.Path(sys.argv[-1]).stem]\n"
        "sys.exit(answer) if isinstance(answer, str) else print(__import__('json').dumps(answer))\n"
    )
    program.chmod(0o755)
    lock = folder / "judge.txt"
    lock.write_text("grpcio==1.85.1\n")
    return subprocess.run(  # noqa: S603  # our own script
        [sys.executable, str(ROOT / "scripts/audit.py"), "--tools", str(folder), str(lock)],
        capture_output=True,
        text=True,
        check=False,
    )


def answer(*dependencies: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps({"dependencies": dependencies, "fixes": []}))  # type: ignore[no-any-return]


def test_what_is_found_is_listed_and_fails(tmp_path: Path) -> None:
    done = audit(tmp_path, vulnerable=answer(FOUND), judge=answer(CLEAN, FOUND))
    assert done.returncode == 1
    assert "judge.txt: 1 known vulnerabilities\n  urllib3 1.24.1: CVE-1\n" in done.stdout


def test_nothing_found_is_said_of_each_lock_file(tmp_path: Path) -> None:
    done = audit(tmp_path, vulnerable=answer(FOUND), judge=answer(CLEAN))
    assert (done.returncode, done.stdout) == (0, "judge.txt: no known vulnerabilities\n")


@pytest.mark.parametrize(
    ("vulnerable", "judge", "said"),
    [
        (answer(CLEAN), answer(CLEAN), "the service has no data about vulnerabilities"),
        (answer(SKIPPED), answer(CLEAN), "1 of 1 unknown: not found"),
        (answer(FOUND), answer(CLEAN, SKIPPED), "1 of 2 unknown: not found"),
        ("no route to host", answer(CLEAN), "pip-audit failed: no route to host"),
        (answer(FOUND), "late", "pip-audit failed: late"),
    ],
)
def test_no_answer_is_said_and_is_not_a_good_one(
    tmp_path: Path, vulnerable: Any, judge: Any, said: str
) -> None:
    done = audit(tmp_path, vulnerable=vulnerable, judge=judge)
    assert (done.returncode, done.stdout) == (0, f"NOT AUDITED: {said}\n")


def test_without_the_tool_nothing_is_audited(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, str(ROOT / "scripts/audit.py"), "--tools", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("NOT AUDITED: pip-audit does not run")
