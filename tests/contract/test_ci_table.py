"""The table at the end of `make ci` says what ran; nothing that failed or is missing passes unseen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.toolchain import REQUIRED, missing

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
PYTEST = """
<testsuites><testsuite name="pytest" time="9">
  <testcase classname="tests.unit.test_a" name="one" time="1.5"/>
  <testcase classname="tests.unit.deep.test_b.C" name="two" time="2"><skipped message="no"/></testcase>
  <testcase classname="tests.wire.test_d" name="three" time="4"><failure message="no"/></testcase>
  <testcase classname="" name="tests.wire.test_e" time="0"><error message="no"/></testcase>
</testsuite></testsuites>
"""
CONFORMANCE = """
<testsuites><testsuite name="conformance, go" time="7"><testcase name="rank"/></testsuite></testsuites>
"""


def printed(folder: Path, checks: str, **reports: str) -> tuple[int, list[list[str]], str]:
    """Returns the exit status, the rows as words, and what was said of failures."""
    (folder / "checks").write_text(checks)
    for name, text in reports.items():
        (folder / f"{name.replace('_', '.')}.xml").write_text(text)
    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, ROOT / "scripts/ci_table.py", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, [line.split() for line in done.stdout.splitlines()], done.stderr


def test_every_suite_has_a_row_and_a_failed_test_fails_the_run(tmp_path: Path) -> None:
    status, rows, failures = printed(
        tmp_path, "lint 0 12\ntest 2 9\n", test=PYTEST, test_conformance=CONFORMANCE
    )
    assert status == 1
    assert failures == "FAILED: test\n"
    assert rows[1:8] == [
        ["passed", "failed", "skipped", "seconds"],
        ["make", "lint", "ok", "12"],
        ["make", "test", "FAILED", "9"],
        ["conformance,", "go", "1", "0", "0", "7"],
        ["tests/unit", "1", "0", "1", "4"],
        ["tests/wire", "0", "2", "0", "4"],
        [],
    ]


def test_tests_that_left_no_report_have_failed_whatever_their_exit_status(tmp_path: Path) -> None:
    status, _, failures = printed(tmp_path, "gen-check 0 1\ntest-train 0 9\n")
    assert (status, failures) == (1, "FAILED: test-train\n")


def test_what_passed_is_no_failure(tmp_path: Path) -> None:
    status, _, failures = printed(tmp_path, "test-clients 0 9\n", test_clients_x=CONFORMANCE)
    assert (status, failures) == (1, "FAILED: test-clients\n")  # the report is of another target
    (tmp_path / "test-clients.conformance.xml").write_text(CONFORMANCE)
    assert printed(tmp_path, "test-clients 0 9\n")[0] == 0


def test_the_targets_that_the_table_names_exist() -> None:
    said = (ROOT / "scripts/ci_table.py").read_text()
    for target in (
        "release-check",
        "image-buildah",
        "test-images",
        "test-vllm",
        "test-models",
        "test-slow",
    ):
        assert target in said
        assert f"\n{target}: " in MAKEFILE


def test_a_missing_program_skips_a_test_and_fails_it_where_all_are_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no compiler"):
        missing("no compiler")
    monkeypatch.setenv(REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match="no compiler"):
        missing("no compiler")
    assert f"export {REQUIRED}=1" in (ROOT / ".ci/run").read_text()
