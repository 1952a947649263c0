from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING

import pytest

from services.router.decision_records.files import (
    FEEDBACK_PREFIX,
    FULL_SUFFIX,
    OPEN_SUFFIX,
    FilesSink,
    Rotation,
)
from services.router.decision_records.sinks import SinkDownError
from tests.unit.router.decision_records.samples import line

if TYPE_CHECKING:
    from pathlib import Path

LARGE = Rotation(max_file_bytes=10**9, max_file_age_s=3600, max_directory_bytes=10**9)


def rotation(**changes: float) -> Rotation:
    values = {"max_file_bytes": 10**9, "max_file_age_s": 3600.0, "max_directory_bytes": 10**9}
    return Rotation(**(values | changes))  # type: ignore[arg-type]


def full(folder: Path) -> list[list[str]]:
    """Returns the ids in each full file; reading fails where one is damaged."""
    files = sorted(folder.glob(f"*{FULL_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
    return [
        [json.loads(row)["id"] for row in gzip.decompress(path.read_bytes()).splitlines()]
        for path in files
    ]


async def test_lines_are_in_the_open_file_at_once_and_in_a_full_one_at_the_end(
    tmp_path: Path,
) -> None:
    sink = FilesSink(tmp_path / "new", LARGE)
    await sink.write([line("a"), line("b")])
    (opened,) = (tmp_path / "new").iterdir()
    assert opened.name.endswith(OPEN_SUFFIX)
    assert [json.loads(row)["id"] for row in opened.read_text().splitlines()] == ["a", "b"]
    await sink.close()
    assert full(tmp_path / "new") == [["a", "b"]]
    assert len(list((tmp_path / "new").iterdir())) == 1


async def test_a_file_is_finished_before_it_is_too_large(tmp_path: Path) -> None:
    sink = FilesSink(tmp_path, rotation(max_file_bytes=1_000))
    for name in "abcde":
        await sink.write([line(name, size=400)])
    await sink.close()
    assert sorted(full(tmp_path)) == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_file_is_finished_when_it_is_old(tmp_path: Path) -> None:
    sink = FilesSink(tmp_path, rotation(max_file_age_s=1e-9))
    await sink.write([line("a")])
    await sink.write([line("b")])
    assert full(tmp_path) == [["a"]]
    await sink.close()


async def test_the_oldest_full_files_make_room_and_the_newest_stays(tmp_path: Path) -> None:
    old = tmp_path / f"decisions-20200101T000000Z-00000000{FULL_SUFFIX}"
    old.write_bytes(gzip.compress(b'{"id": "old"}\n'))
    sink = FilesSink(tmp_path, rotation(max_directory_bytes=1))
    await sink.write([line("a")])
    await sink.close()
    assert full(tmp_path) == [["a"]]


async def test_feedback_has_its_own_files_and_decisions_do_not_push_it_out(tmp_path: Path) -> None:
    feedback = FilesSink(tmp_path, LARGE, prefix=FEEDBACK_PREFIX)
    decisions = FilesSink(tmp_path, rotation(max_directory_bytes=1, max_file_bytes=100))
    await feedback.write([line("f")])
    await feedback.close()
    for name in "abc":
        await decisions.write([line(name, size=100)])
    await decisions.close()
    names = full(tmp_path)
    assert len(names) == 2
    assert ["f"] in names


async def test_what_a_killed_router_left_is_finished_without_its_torn_line(tmp_path: Path) -> None:
    left = tmp_path / f"decisions-20200101T000000Z-00000000{OPEN_SUFFIX}"
    left.write_bytes(b'{"id": "whole"}\n{"id": "to')
    sink = FilesSink(tmp_path, LARGE)
    await sink.write([line("a")])
    assert full(tmp_path) == [["whole"]]
    await sink.close()


async def test_a_file_that_another_router_holds_is_left_alone(tmp_path: Path) -> None:
    first, second = FilesSink(tmp_path, LARGE), FilesSink(tmp_path, LARGE)
    await first.write([line("a")])
    await second.write([line("b")])
    await first.write([line("c")])
    await first.close()
    await second.close()
    assert sorted(full(tmp_path)) == [["a", "c"], ["b"]]


async def test_a_directory_that_cannot_be_made_is_a_sink_that_is_down(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    sink = FilesSink(tmp_path / "file", LARGE)
    with pytest.raises(SinkDownError):
        await sink.write([line("a")])
    (tmp_path / "file").unlink()
    await sink.write([line("a")])
    await sink.close()
    assert full(tmp_path / "file") == [["a"]]


async def test_a_batch_that_did_not_fit_on_the_disk_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = FilesSink(tmp_path, LARGE)
    await sink.write([line("a")])

    def no_space(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_space)
        with pytest.raises(SinkDownError):
            await sink.write([line("b")])
    await sink.close()
    assert full(tmp_path) == [["a"]]
