from __future__ import annotations

import collections
import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scorer.data.lines import MAX_LISTED
from scorer.data.records import (
    Record,
    RecordsError,
    model_ids_of,
    read_records,
    targets_of,
    write_records,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD: dict[str, Any] = {"id": "1", "task": "t", "query": "why?", "scores": {"a": 1, "b": 0.5}}


def record(query: str, **scores: float) -> Record:
    return Record(id=query, task="t", query=query, scores=scores)


def bad(**fields: object) -> str:
    return json.dumps(GOOD | {"id": "2"} | fields)


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


def test_values_that_can_mean_only_one_thing_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [
        GOOD | {"id": 7, "scores": {"a": True, "b": False, "c": 0.25}},
        {"query": "why?", "scores": {"a": 1}},
        {"id": None, "query": "why?", "scores": {"a": 0}},
    ]
    lines = "\r\n".join(json.dumps(row) for row in rows)
    path.write_bytes(b"\xef\xbb\xbf" + lines.encode())
    first, second, third = read_records(path)
    assert (first.id, first.scores) == ("7", {"a": 1.0, "b": 0.0, "c": 0.25})
    assert (len(second.id), third.id) == (16, f"{second.id}-2")


def test_every_problem_of_a_file_is_reported_with_its_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "bad.jsonl",
        GOOD,
        "{",
        "[]",
        GOOD | {"id": 3.5, "task": "", "query": None},
        GOOD | {"scores": {"a": 95, "b": None, "c": "1", "d": float("nan"), "e": -0.1}},
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


@pytest.mark.parametrize(
    "content", [b"not gzip", gzip.compress(b"{}" * 500, mtime=0)[:-9], b"\x1f\x8b\x08"]
)
def test_a_damaged_file_is_an_error_and_never_a_shorter_file(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "damaged.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(RecordsError, match="cannot be read"):
        read_records(path)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"id": "1", "id": "2"}', "is not JSON: 'id' is named twice in one object"),
        (bad(scores={"a": 1.0}).replace("1.0", '1.0, "a": 0'), "'a' is named twice"),
        ("[" * 100_000, "is not JSON"),
        (bad(scores={"a": 10**400}), "scores: 'a' must be a number in [0, 1], is 1000"),
        (bad(scores={"a": None}), "scores: 'a' must be a number in [0, 1], is null"),
        (bad(scores={" ": 1}), "scores: ' ' is no valid name"),
        (bad(scores=[1]), "scores must be an object with at least one model"),
        (bad(query="\ud800"), "query must be a valid text that is not empty"),
        (
            bad(cost_usd={"a": -0.1}),
            "cost_usd: 'a' must be a number of dollars, at least 0, is -0.1",
        ),
        (bad(cost_usd={"a": float("nan")}), "cost_usd: 'a' must be a number of dollars"),
        (bad(cost_usd={"a": float("inf")}), "cost_usd: 'a' must be a number of dollars"),
        (bad(cost_usd={"a": True}), "at least 0, is true"),
        (bad(cost_usd={"c": 0.1}), "cost_usd: 'c' has no score"),
        (bad(cost_usd=0.1), "cost_usd must be an object, is 0.1"),
        (bad(cost_usd=None), "cost_usd must be an object, is null"),
        (bad(prompt_tokens={"a": 1.5}), "prompt_tokens: 'a' must be a whole number, at least 0"),
        (bad(prompt_tokens={"c": 1}), "prompt_tokens: 'c' has no score"),
        (bad(completion_tokens={"a": -1}), "completion_tokens: 'a' must be a whole number"),
        (bad(completion_tokens={"a": False}), "is false"),
        (bad(latency_s={"a": -1}), "latency_s: 'a' must be a number of seconds, at least 0, is -1"),
        (bad(weight=-1), "weight must be a number above 0, is -1"),
        (bad(weight=0), "weight must be a number above 0, is 0"),
        (bad(weight=True), "weight must be a number above 0, is true"),
        (bad(weight=float("nan")), "weight must be a number above 0, is NaN"),
        (bad(weight="2"), 'weight must be a number above 0, is "2"'),
    ],
)
def test_each_bad_input_is_refused_by_name(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(RecordsError) as caught:
        read_records(write(tmp_path / "bad.jsonl", GOOD, line))
    assert any(each.startswith("line 2: ") and problem in each for each in caught.value.problems)


def test_a_line_that_is_not_utf_8_is_named_and_the_lines_after_it_are_still_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id": "caf\xe9"}\n{\n' + json.dumps(GOOD).encode())
    with pytest.raises(RecordsError) as caught:
        read_records(path)
    assert caught.value.problems[0] == "line 1: is not UTF-8, at byte 12"
    assert caught.value.problems[1].startswith("line 2: is not JSON")


def test_a_file_that_is_cut_off_says_after_which_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    rows = [json.dumps(GOOD | {"id": str(n), "query": f"{n**99}"}) for n in range(500)]
    path.write_bytes(gzip.compress("\n".join(rows).encode())[:-5000])
    with pytest.raises(RecordsError, match=r"cannot be read after line \d{2,}: Compressed file"):
        read_records(path)


def test_what_is_wrong_is_listed_up_to_a_bound_and_counted_beyond(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", *["{"] * (MAX_LISTED + 7))
    with pytest.raises(RecordsError, match="and 7 more") as caught:
        read_records(path)
    assert (len(caught.value.problems), caught.value.unlisted) == (MAX_LISTED, 7)


def test_fields_that_nobody_needs_are_ignored(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", GOOD | {"gold": "A", "responses": {"c": "..."}, "x": None})
    assert read_records(path)[0].scores.keys() == {"a", "b"}


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


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
AMOUNTS = st.floats(0, 1e12)
COUNTS = st.integers(0, 10**9)


@st.composite
def some_record(draw: st.DrawFn) -> Record:
    scores = draw(st.dictionaries(TEXTS, st.floats(0, 1), min_size=1, max_size=4))
    models = st.sampled_from(sorted(scores))
    return Record(
        id=draw(TEXTS),
        task=draw(TEXTS),
        query=draw(TEXTS),
        scores=scores,
        costs_usd=draw(st.dictionaries(models, AMOUNTS)),
        prompt_tokens=draw(st.dictionaries(models, COUNTS)),
        completion_tokens=draw(st.dictionaries(models, COUNTS)),
        latencies_s=draw(st.dictionaries(models, AMOUNTS)),
        weight=draw(st.floats(0, 1e9, exclude_min=True)),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    records=st.lists(some_record(), min_size=1, max_size=4, unique_by=lambda each: each.id),
    ending=st.sampled_from(["jsonl", "jsonl.gz"]),
)
def test_any_records_are_read_back_as_they_were_written(
    tmp_path: Path, records: list[Record], ending: str
) -> None:
    path = tmp_path / f"records.{ending}"
    path.unlink(missing_ok=True)
    write_records(path, records)
    assert read_records(path) == records


def test_nothing_is_overwritten_and_nothing_half_written_is_left(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write_records(path, [record("x", a=1.0)])

    def interrupted() -> Iterator[Record]:
        yield record("x", a=1.0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_records(tmp_path / "other.jsonl", interrupted())
    assert [each.name for each in tmp_path.iterdir()] == ["records.jsonl"]
    assert path.read_text() == "mine"


def test_pools_share_the_row_of_a_model_that_is_in_both() -> None:
    records = [record("x", shared=1.0, first=0.0), record("y", shared=0.5, second=1.0)]
    model_ids = model_ids_of(records)
    assert model_ids == ("first", "second", "shared")
    nan = np.nan
    expected = np.array([[0, nan, 1], [nan, 1, 0.5]], dtype=np.float32)
    assert np.array_equal(targets_of(records, model_ids), expected, equal_nan=True)


def test_models_that_nobody_asked_for_have_no_column() -> None:
    assert targets_of([record("x", a=1.0, b=0.0)], ["b"]).tolist() == [[0.0]]
