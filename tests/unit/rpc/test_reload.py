from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.rpc.file_problems import FileProblemsError
from services.rpc.reload import Reloaded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHAT = "number"


def number_of(path: Path) -> Callable[[], int]:
    """Returns a function that reads a number and raises an error for any other text."""

    def load() -> int:
        text = path.read_text()
        if not text.isdigit():
            raise FileProblemsError([f"{text} is no number"])
        return int(text)

    return load


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"what": WHAT, **labels}) or 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "number"
    path.write_text("1")
    return path


def test_a_value_is_read_at_once_and_a_bad_file_is_refused_then(path: Path) -> None:
    assert Reloaded(WHAT, [path], number_of(path)).value == 1
    path.write_text("one")
    with pytest.raises(FileProblemsError, match="one is no number"):
        Reloaded(WHAT, [path], number_of(path))


def test_files_that_did_not_change_are_not_loaded_again(path: Path) -> None:
    reloaded = Reloaded(WHAT, [path], number_of(path))
    path.write_text("1")
    assert not reloaded.refresh()


def test_a_changed_file_brings_a_new_value_once(path: Path) -> None:
    reloaded = Reloaded(WHAT, [path], number_of(path))
    path.write_text("2")
    assert reloaded.refresh()
    assert reloaded.value == 2
    assert not reloaded.refresh()


def test_a_bad_file_leaves_the_last_good_value_and_is_logged_once(path: Path) -> None:
    reloaded = Reloaded(WHAT, [path], number_of(path))
    before = metric("routemoa_reloads_total", outcome="refused")
    path.write_text("two")
    with capture_logs() as logs:
        assert not reloaded.refresh()
        assert not reloaded.refresh()
    assert [entry["problems"] for entry in logs] == [["two is no number"]]
    assert reloaded.value == 1
    assert metric("routemoa_reload_refused_count") == 1
    assert metric("routemoa_reloads_total", outcome="refused") == before + 1
    path.write_text("2")
    assert reloaded.refresh()
    assert metric("routemoa_reload_refused_count") == 0


def test_a_bad_file_that_is_put_back_is_no_longer_refused(path: Path) -> None:
    reloaded = Reloaded(WHAT, [path], number_of(path))
    path.write_text("two")
    reloaded.refresh()
    path.write_text("1")
    assert not reloaded.refresh()
    assert metric("routemoa_reload_refused_count") == 0


def test_a_file_that_goes_away_leaves_the_last_good_value(path: Path) -> None:
    reloaded = Reloaded(WHAT, [path], number_of(path))
    path.unlink()
    assert not reloaded.refresh()
    assert reloaded.value == 1
    assert metric("routemoa_reload_refused_count") == 1
