from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from scorer.data.overlap import Kind, Overlap
from scorer.data.records import RecordsError
from scorer.data.without_shared import shared_rows, write_without

if TYPE_CHECKING:
    from pathlib import Path


def overlap(file: str, other: str, texts: set[int], stems: set[int]) -> Overlap:
    return Overlap(
        file=file,
        other=other,
        rows={Kind.TEXT: frozenset(texts), Kind.STEM: frozenset(stems)},
        examples={},
    )


def test_rows_are_shared_if_any_test_has_them_and_never_because_training_files_do() -> None:
    found = [
        overlap("a", "t1", {0}, {1}),
        overlap("a", "t2", {1, 2}, set()),
        overlap("a", "b", {5}, set()),
        overlap("a", "a", {6}, set()),
        overlap("t1", "a", {7}, set()),
    ]
    assert shared_rows(found, train=["a", "b"], tests=["t1", "t2"]) == {"a": {0, 1, 2}, "b": set()}


def test_kept_lines_are_unchanged_and_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    rows = [json.dumps({"id": number, "any": "thing \u00fc"}) for number in range(3)]
    first, second = tmp_path / "x" / "train.jsonl", tmp_path / "y" / "train.jsonl.gz"
    first.parent.mkdir()
    second.parent.mkdir()
    first.write_text("\n\n".join(rows) + "\n")
    second.write_bytes(gzip.compress("\n".join(rows).encode()))
    kept = write_without({first: {0}, second: set()}, tmp_path / "out")
    assert kept == {
        tmp_path / "out" / "x" / "train.jsonl": 2,
        tmp_path / "out" / "y" / "train.jsonl.gz": 3,
    }
    assert (tmp_path / "out/x/train.jsonl").read_text().splitlines() == rows[1:]
    with gzip.open(tmp_path / "out/y/train.jsonl.gz", "rt") as file:
        assert file.read().splitlines() == rows


def test_a_file_that_would_be_empty_is_an_error_and_no_directory_is_left(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text("{}\n{}\n")
    with pytest.raises(RecordsError, match="nothing is left"):
        write_without({path: {0, 1}}, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [path]
