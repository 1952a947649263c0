from __future__ import annotations

import csv
import gzip
from typing import TYPE_CHECKING

import pytest

from scorer.data.converters.conversion import ConversionError
from scorer.data.converters.routerbench_csv import convert

if TYPE_CHECKING:
    from pathlib import Path

HEADER = (
    *("", "sample_id", "prompt", "eval_name", "org/a", "b", "org/a|model_response"),
    *("b|model_response", "org/a|total_cost", "b|total_cost", "oracle_model_to_route_to"),
)
ROW = ("0", "one", "['Why?']", "why", "1.0", "0.25", "['x']", "['y']", "0.001", "2e-05", "org/a")


def changed(**cells: str) -> tuple[str, ...]:
    names = {
        "id": "sample_id",
        "a": "org/a",
        "a_cost": "org/a|total_cost",
        "b_cost": "b|total_cost",
    }
    row = dict(zip(HEADER, ROW, strict=True))
    return tuple((row | {names.get(name, name): cell for name, cell in cells.items()}).values())


def write(path: Path, *rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def problems_of(path: Path) -> tuple[str, ...]:
    with pytest.raises(ConversionError) as caught:
        list(convert([path]))
    return caught.value.problems


def test_a_row_becomes_a_record_with_scores_and_dollars(tmp_path: Path) -> None:
    [record] = convert([write(tmp_path / "a.csv", ROW)])
    assert (record.id, record.task, record.query) == ("one", "why", "Why?")
    assert record.scores == {"org/a": 1.0, "b": 0.25}
    assert record.costs_usd == {"org/a": 0.001, "b": 0.00002}


def test_gzip_and_a_byte_order_mark_are_read_too(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.csv", ROW)
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + plain.read_bytes()))
    assert list(convert([plain])) == list(convert([packed]))


@pytest.mark.parametrize(
    ("cell", "query"),
    [
        ("plain text", "plain text"),
        ("['one', \"it's two\"]", "one\n\nit's two"),
        ("[1, 2] is what?", "[1, 2] is what?"),
        ("[1, 2]", "[1, 2]"),
        ("[" * 10_000, "[" * 10_000),
        ("x" * 200_000, "x" * 200_000),
    ],
)
def test_a_prompt_may_be_a_list_of_texts(tmp_path: Path, cell: str, query: str) -> None:
    [record] = convert([write(tmp_path / "a.csv", changed(prompt=cell))])
    assert record.query == query


def test_an_empty_score_is_no_label_and_its_cost_is_left_out(tmp_path: Path) -> None:
    [record] = convert([write(tmp_path / "a.csv", changed(a="", b_cost=""))])
    assert record.scores == {"b": 0.25}
    assert record.costs_usd == {}


def test_every_problem_names_its_file_and_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "bad.csv",
        changed(prompt="two\nlines"),
        changed(id="two", a="1.5", b_cost="-1"),
        changed(id="three", a="yes", b="nan"),
        changed(id="four", a="", b=""),
        changed(id="five")[:-1],
        changed(prompt=" ", eval_name=""),
        changed(),
    )
    assert problems_of(path) == (
        f"{path}: line 4: scores: 'org/a' must be a number in [0, 1], is 1.5",
        f"{path}: line 4: cost_usd: 'b' must be a number of dollars, at least 0, is -1.0",
        f"{path}: line 5: scores: 'org/a' must be a number in [0, 1], is \"yes\"",
        f"{path}: line 5: scores: 'b' must be a number in [0, 1], is NaN",
        f"{path}: line 6: scores must be an object with at least one model",
        f"{path}: line 7: has 10 cells, the header has 11",
        f"{path}: line 8: query must be a valid text that is not empty",
        f"{path}: line 8: task must be a valid text that is not empty, or absent",
        f"{path}: line 9: id 'one' is already on {path}: line 2",
    )


def test_the_header_is_checked_before_any_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", header=("sample_id", "b", "b", "b|total_cost", "c|total_cost"))
    assert problems_of(path) == (
        f"{path}: line 1: has no column prompt",
        f"{path}: line 1: has no column eval_name",
        f"{path}: line 1: has column 'b' twice",
        f"{path}: line 1: has no column 'c' beside 'c|total_cost'",
    )
    path = write(tmp_path / "b.csv", header=("sample_id", "prompt", "eval_name", "b"))
    assert problems_of(path)[0].startswith(f"{path}: line 1: has no model")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", b"", "line 1: has no column sample_id"),
        ("a.csv", (",".join(HEADER) + "\r\n").encode(), "the sources hold no record"),
        ("a.csv", (",".join(HEADER) + "\r\n1,caf\xe9").encode("latin-1"), "cannot be read"),
        ("a.csv", (",".join(HEADER) + '\r\n1,"open').encode(), "cannot be read after line"),
        ("a.csv.gz", gzip.compress(",".join(HEADER).encode(), mtime=0)[:-9], "cannot be read"),
        ("a.pkl", b"anything", "a pickle can run code when it is read"),
    ],
)
def test_a_file_that_is_damaged_or_no_csv_is_refused(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert any(problem in each for each in problems_of(path))


def test_the_problems_of_all_sources_are_told_together(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "good.csv", ROW), write(tmp_path / "bad.csv", changed(a="2"))
    with pytest.raises(ConversionError) as caught:
        list(convert([tmp_path / "nowhere.csv", bad, good]))
    missing, wrong = caught.value.problems[:2]
    assert missing.startswith(f"{tmp_path / 'nowhere.csv'}: cannot be read")
    assert wrong.startswith(f"{bad}: line 2: scores")
