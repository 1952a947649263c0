from __future__ import annotations

import pytest

from scorer.progress import quiet, step, track


def test_a_step_within_a_step_has_no_bar_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    with step("Learning"):
        assert list(track([1, 2], "Fitting")) == [1, 2]
        with step("Measuring"):
            pass
    for _ in track([1], "Cross-validating"):
        assert list(track([3], "Fitting")) == [3]
    shown = capfd.readouterr()
    assert [line.split()[0] for line in shown.err.splitlines()] == ["Learning", "Cross-validating"]
    assert not shown.out


def test_a_quiet_block_shows_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet(), step("Learning"):
        assert list(track([1], "Fitting")) == [1]
    assert capfd.readouterr().err == ""


def test_a_step_that_fails_leaves_the_next_one_its_bar(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), step("Learning"):
        _ = 1 // 0
    assert list(track([1], "Drawing")) == [1]
    assert "Drawing" in capfd.readouterr().err
