"""The tests begin without the libraries of training, which `make setup` does not install."""

from __future__ import annotations

import subprocess
import sys

from tests.contract.dockerfile import ROOT

WITHOUT = """
import sys, pytest
sys.modules.update(dict.fromkeys(["torch", "transformers", "optimum", "onnxscript"]))
sys.exit(pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""
FOLDERS = ("tests/unit/scorer", "tests/unit/evaluation", "tests/integration")


def test_tests_of_the_scorer_need_no_torch_to_begin() -> None:
    done = subprocess.run(  # noqa: S603  # our own interpreter and code
        [sys.executable, "-c", WITHOUT, *FOLDERS],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "tests/unit/scorer/mixture/test_team_rule.py" in done.stdout
