from __future__ import annotations

import collections
import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from scorer.data.records import (
    Record,
    RecordsError,
    model_ids_of,
    read_records,
    targets_of,
    write_records,
)

if TYPE_CHECKING:
    from pathlib import Path

GOOD: dict[str, Any] = {"id": "1", "task": "t", "query": "why?", "scores": {"a": 1, "b": 0.5}}


def record(query: str, **scores: float) -> Record:
    return Record(id=query, task="t", query=query, scores=scores)


def write(path: Path, *rows: object) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_plain_and_compressed_files_are_read_alike(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.jsonl", GOOD)
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_records(plain) == read_records(packed)
    assert read_records(plain)[0].scores == {"a": 1.0, "b": 0.5}


def test_the_question_is_routed_where_the_query_carries_worked_examples(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", GOOD | {"question": "really why?"})
    assert read_records(path)[0].query == "really why?"


def test_every_problem_of_a_file_is_reported_with_its_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "bad.jsonl",
        GOOD,
        "{",
        "[]",
        GOOD | {"id": 3, "task": "", "query": None},
        GOOD | {"scores": {"a": 95, "b": True, "c": "1", "d": float("nan"), "e": -0.1}},
        GOOD | {"id": "6", "scores": {}},
        "",
        GOOD,
        GOOD | {"id": "9", "question": " "},
    )
    with pytest.raises(RecordsError) as caught:
        read_records(path)
    lines = [problem.split(":")[0] for problem in caught.value.problems]
    counts = {"line 2": 1, "line 3": 1, "line 4": 3, "line 5": 5, "line 6": 1, "line 8": 1}
    assert collections.Counter(lines) == counts | {"line 9": 1}
    assert str(path) in str(caught.value)
    assert "line 8: id '1' is already on line 1" in caught.value.problems
    assert "line 5: scores: 'a' must be a number in [0, 1], is 95" in caught.value.problems


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_a_file_without_records_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordsError, match="holds no record"):
        read_records(path)


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b"{}" * 500)[:-9], b"\x1f\x8b\x08"])
def test_a_damaged_file_is_an_error_and_never_a_shorter_file(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "damaged.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(RecordsError, match="cannot be read"):
        read_records(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="cannot be read"):
        read_records(tmp_path / "nowhere.jsonl")


def test_written_records_are_read_back_and_give_the_same_bytes(tmp_path: Path) -> None:
    records = [record("ünïcode?", a=0.25), record("b", b=1.0)]
    first, second = tmp_path / "1.jsonl.gz", tmp_path / "2.jsonl.gz"
    write_records(first, records)
    write_records(second, records)
    assert read_records(first) == records
    assert first.read_bytes() == second.read_bytes()


def test_pools_share_the_row_of_a_model_that_is_in_both() -> None:
    records = [record("x", shared=1.0, first=0.0), record("y", shared=0.5, second=1.0)]
    model_ids = model_ids_of(records)
    assert model_ids == ("first", "second", "shared")
    nan = np.nan
    expected = np.array([[0, nan, 1], [nan, 1, 0.5]], dtype=np.float32)
    assert np.array_equal(targets_of(records, model_ids), expected, equal_nan=True)


def test_models_that_nobody_asked_for_have_no_column() -> None:
    assert targets_of([record("x", a=1.0, b=0.0)], ["b"]).tolist() == [[0.0]]
