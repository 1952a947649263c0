from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from scorer.data.converters.conversion import Conversion, ConversionError
from scorer.data.converters.scores.scale import Scale, told_scale
from scorer.data.converters.tables.columns import Told
from scorer.data.converters.tables.table import convert
from scorer.data.lines import MAX_LISTED

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.data.records import Record

LONG = "query,model,score\n"


def records(
    *paths: Path,
    conversion: Conversion | None = None,
    scale: Scale | None = None,
    as_json: bool = False,
    **told: Any,
) -> list[Record]:
    columns = Told(**told)
    return list(
        convert(paths, conversion or Conversion(), as_json=as_json, told=columns, scale=scale)
    )


def problems_of(
    *paths: Path, scale: Scale | None = None, as_json: bool = False, **told: Any
) -> tuple[str, ...]:
    with pytest.raises(ConversionError) as caught:
        records(*paths, scale=scale, as_json=as_json, **told)
    return caught.value.problems


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def scores_of(path: Path, scale: Scale | None = None) -> list[float]:
    """Returns the scores of a long table with the model m, row by row."""
    return [record.scores["m"] for record in records(path, scale=scale)]


def long_table(path: Path, *cells: str, name: str = "score") -> Path:
    rows = [f'q{number};m;"{cell}"\n' for number, cell in enumerate(cells)]
    return write(path, f"query;model;{name}\n" + "".join(rows))


def test_a_wide_table_has_one_column_per_model(tmp_path: Path) -> None:
    text = "id,prompt,org/a,b,b_cost,b answer\n7,Why?,1,0,0.002,so\n,How?,,1,,so\n"
    first, second = records(write(tmp_path / "a.csv", text))
    assert (first.id, first.query, first.scores) == ("7", "Why?", {"org/a": 1, "b": 0})
    assert first.costs_usd == {"b": 0.002}
    assert (len(second.id), second.scores, second.costs_usd) == (16, {"b": 1}, {})


def test_a_long_table_has_one_row_per_query_and_model(tmp_path: Path) -> None:
    text = (
        "question,llm,rating,category,cost,latency,input_tokens\n"
        "Why?,a,5,physics,0.01,1.5,12\nWhy?,b,1,,$0.02,,\nHow?,b,3,craft,,,\n"
    )
    why, how = records(write(tmp_path / "a.csv", text))
    assert (why.query, why.task, why.scores) == ("Why?", "physics", {"a": 1.0, "b": 0.0})
    assert why.costs_usd == {"a": 0.01, "b": 0.02}
    assert (why.latencies_s, why.prompt_tokens) == ({"a": 1.5}, {"a": 12})
    assert how.scores == {"b": 0.5}


@pytest.mark.parametrize(
    ("cells", "scores"),
    [
        (("👍", "👎🏽", "👍🏿"), [1, 0, 1]),
        (("up", "Thumbs down", "thumbs_up"), [1, 0, 1]),
        (("Yes", "no", "Y"), [1, 0, 1]),
        (("TRUE", "false", "1"), [1, 0, 1]),
        (("correct", "partially correct", "incorrect"), [1, 0.5, 0]),
        (("1", "0", "0.25"), [1, 0, 0.25]),
        (("-1", "1", "0"), [0, 1, 0.5]),
        (("5", "1", "3"), [1, 0, 0.5]),
        (("0", "5", "2"), [0, 1, 0.4]),
        (("10", "0", "2,5"), [1, 0, 0.25]),
        (("97", "0", "8"), [0.97, 0, 0.08]),
        (("85 %", "0%", "100%"), [0.85, 0, 1]),
        (("4/5", "17/20", "0/1"), [0.8, 0.85, 0]),
        (("★★★☆☆", "5 stars", "⭐"), [0.5, 1, 0]),
        (("0,5", "1,0", "0"), [0.5, 1, 0]),
    ],
)
def test_scores_of_any_kind_become_numbers_from_0_to_1(
    tmp_path: Path, cells: tuple[str, ...], scores: list[float]
) -> None:
    assert scores_of(long_table(tmp_path / "a.csv", *cells)) == pytest.approx(scores)


def test_what_was_found_and_chosen_is_noted(tmp_path: Path) -> None:
    conversion = Conversion()
    path = write(tmp_path / "a.csv", "prompt;a;b;remark\nx;1;5;nice work\ny;2;3;\n", "utf-16")
    records(path, conversion=conversion)
    assert conversion.notes.choices == [
        "a.csv: utf-16, separated by semicolons",
        "a.csv: query = 'prompt'; models = a, b",
        "a.csv: not read: remark",
        "scores: numbers from 1 to 5, mapped to 0 to 1",
    ]


@pytest.mark.parametrize("cell", ["", "NaN", "null", "N/A", "none", "#N/A", "-", " "])
def test_an_empty_cell_is_no_label(tmp_path: Path, cell: str) -> None:
    conversion = Conversion()
    path = write(tmp_path / "a.csv", f"{LONG}q1,m,1\nq2,m,{cell}\n")
    assert [record.query for record in records(path, conversion=conversion)] == ["q1"]
    assert conversion.notes.left_out == {"rows without a score": 1}


@pytest.mark.parametrize(
    ("cells", "name", "found"),
    [
        (("2", "3"), "score", "the scores are 2 to 3"),
        (("1", "7"), "score", "the scores are 1 to 7"),
        (("0", "250"), "score", "the scores are 0 to 250"),
        (("-3", "3"), "score", "the scores are -3 to 3"),
        (("yes", "4"), "score", "numbers and words"),
        (("85%", "0.5"), "score", "fractions or percentages, others plain numbers"),
    ],
)
def test_a_range_that_is_not_clear_has_to_be_told(
    tmp_path: Path, cells: tuple[str, ...], name: str, found: str
) -> None:
    [problem] = problems_of(long_table(tmp_path / "a.csv", *cells, name=name))
    assert found in problem
    assert "tell it with --scale" in problem


def test_a_range_can_be_told_with_the_worst_number_first(tmp_path: Path) -> None:
    path = long_table(tmp_path / "a.csv", "2", "3")
    assert scores_of(path, told_scale("1..5")) == [0.25, 0.5]
    assert scores_of(path, told_scale("6..1")) == pytest.approx([0.8, 0.6])
    assert problems_of(path, scale=told_scale("0..2")) == (
        f"{path}: line 3: m: must be a score, is '3', not of the scale 0 to 2",
    )
    assert scores_of(long_table(tmp_path / "b.csv", "2", "3", name="stars")) == [0.25, 0.5]


def test_words_can_be_told(tmp_path: Path) -> None:
    path = long_table(tmp_path / "a.csv", "A", "c", "B", "")
    assert scores_of(path, told_scale("A=1,B=0.5,C=0")) == [1, 0, 0.5]
    assert "is 'B'" in problems_of(path, scale=told_scale("A=1,C=0"))[0]
    with pytest.raises(ValueError, match="high"):
        told_scale("low=0,high=2")


def test_columns_of_different_ranges_are_not_mixed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "query,a,hardness\nx,1,4\ny,0,5\nz,1,0\n")
    [problem] = problems_of(path)
    assert "different ranges: a: 0 to 1; hardness: 0 to 5" in problem
    assert [record.scores for record in records(path, models=("a",))] == [
        {"a": 1},
        {"a": 0},
        {"a": 1},
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"]
)
def test_separators_and_encodings_are_found(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = (("question", "café", "b"), ('"Où est\r\nla, ""gare""; | \t?"', "1", "0"))
    text = "\r\n".join(separator.join(row) for row in rows)
    [record] = records(write(tmp_path / "a.csv", text, encoding))
    assert record.query == 'Où est\r\nla, "gare"; | \t?'
    assert record.scores == {"café": 1, "b": 0}


def test_gzip_latin_1_and_the_line_of_excel_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"sep=|\r\nquery|m\r\ncaf\xe9 \x81|1\r\n"))
    assert records(path)[0].query == "caf\xe9 \x81"


def test_a_damaged_utf_8_file_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("query,m\nété à Lyon,1\ncaf".encode() + b"\xe9,0\n")
    assert problems_of(path) == (f"{path}: is not UTF-8 at line 3, and 0 more times after it",)


def test_every_bad_cell_is_named_with_its_line_up_to_a_bound(tmp_path: Path) -> None:
    rows = ['"two\nlines",m,1', "q2,m,great work", "q3,,1", ",m,1", "q5,m", "q6,m,1"]
    path = write(tmp_path / "a.csv", LONG + "\n".join(rows))
    assert problems_of(path) == (
        f"{path}: line 7: has 2 cells, the header has 3",
        f"{path}: line 4: m: must be a score, is 'great work'",
        f"{path}: line 5: model: must name a model",
        f"{path}: line 6: the query is empty",
    )
    rows = [f"q{n},m,{'oops' if n % 3 == 0 else n % 2}" for n in range(1000)]
    with pytest.raises(ConversionError) as caught:
        records(write(tmp_path / "b.csv", LONG + "\n".join(rows)))
    assert (len(caught.value.problems), caught.value.unlisted) == (MAX_LISTED, 334 - MAX_LISTED)


def test_text_where_scores_are_expected_is_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f"{LONG}x,m,The answer is good\ny,m,Not so much\n")
    [problem] = problems_of(path)
    assert (
        "column 'score' must hold scores, but holds text, such as 'The answer is good'" in problem
    )
    path = write(tmp_path / "b.csv", "query,gpt\nx,The answer is good\n")
    assert "'gpt' holds text, such as 'The answer is good'" in problems_of(path)[0]


@pytest.mark.parametrize(
    ("header", "told", "said"),
    [
        ("prompt,question,m", {}, "'prompt' and 'question' could each be the query"),
        ("query,model,score,rating", {}, "'score' and 'rating' could each be the score"),
        ("ask,model,score", {}, "no column is named like a query"),
        ("query,model,points", {}, "no column of the score"),
        ("query,m", {"query": "ask"}, "has no column 'ask'; it has the columns 'query', 'm'"),
        ("query,m", {"models": ("a",)}, "has no column 'a'"),
        ("query,m,m", {}, "line 1: the header names 'm' twice"),
        ("query,id,m", {}, ""),
    ],
)
def test_columns_that_are_not_clear_are_listed(
    tmp_path: Path, header: str, told: dict[str, Any], said: str
) -> None:
    path = write(tmp_path / "a.csv", f"{header}\n" + ",".join("1" for _ in header.split(",")))
    if said:
        assert said in problems_of(path, **told)[0]
    else:
        assert records(path)[0].scores == {"m": 1}


def test_told_columns_win(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "prompt,question,tool,points\nx,why,a,1\n")
    [record] = records(path, query="question", model="tool", score="points")
    assert (record.query, record.scores) == ("why", {"a": 1})


def test_repeated_scores_are_averaged_and_those_that_differ_are_counted(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", f"{LONG}x,a,1\nx,a,1\ny,b,1\n")
    second = write(tmp_path / "b.csv", "prompt\ta\tb\nx\t1\t0\ny\t0\t0\n")
    conversion = Conversion()
    x, y = records(first, second, conversion=conversion)
    assert (x.scores, y.scores) == ({"a": 1, "b": 0}, {"b": 0.5, "a": 0})
    assert conversion.notes.repeated == 3
    assert conversion.notes.contradictions == {"b": 1}


def test_an_id_of_several_queries_is_replaced(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "id,query,m\n1,x,1\n")
    second = write(tmp_path / "b.csv", "id,query,m\n1,y,0\n")
    conversion = Conversion()
    x, y = records(first, second, conversion=conversion)
    assert (x.id, len(y.id), conversion.notes.replaced_ids) == ("1", 16, 1)


ROWS = [
    {"id": 1, "prompt": "x", "model": "a", "score": True},
    {"id": 2.0, "prompt": [{"role": "user", "content": "y"}], "model": "a", "score": 0.5},
    {"id": None, "prompt": "z", "model": "a", "score": None},
    {"prompt": "z", "model": "b", "score": "no"},
]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        json.dumps({"data": ROWS, "meta": {}}),
        json.dumps({"rows": ROWS}, indent=1),
        "\r\n".join(map(json.dumps, ROWS)),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_json_has_the_same_forms(tmp_path: Path, text: str, encoding: str) -> None:
    found = records(write(tmp_path / "a.json", text, encoding), as_json=True)
    assert [record.query for record in found] == ["x", "y", "z"]
    assert [record.id for record in found][:2] == ["1", "2"]
    assert [record.scores for record in found] == [{"a": 1}, {"a": 0.5}, {"b": 0}]


def test_json_rows_can_hold_an_object_of_scores(tmp_path: Path) -> None:
    rows = [{"query": "x", "scores": {"a": True, "b": 0.25}}, {"query": "y", "scores": {"c": 1}}]
    found = records(write(tmp_path / "a.json", json.dumps(rows)), as_json=True)
    assert [record.scores for record in found] == [{"a": 1, "b": 0.25}, {"c": 1}]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[{"query": "x", "m": 1},\n 3,\n {"query": "y", "m": 0}]', "line 2: is not an object"),
        ('[{"query": "x", "m": 1},\n {"query": ]', "line 2: is not JSON"),
        ('{"query": "x", "m": 1}\n{"query"\n', "line 2: is not JSON"),
        ('{"query": "x", "m": 1, "m": 0}\n', "line 1: is not JSON: 'm' is named twice"),
        ("query,m\nx,1\n", "is no JSON: it begins with 'q'"),
        ("", "is empty"),
    ],
)
def test_bad_json_is_named_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in problems_of(write(tmp_path / "a.json", text), as_json=True)[0]


def test_large_lists_are_read_in_parts(tmp_path: Path) -> None:
    rows = [{"query": f"{n} " + "long " * 5000, "m": n % 2} for n in range(150)]
    path = write(tmp_path / "a.json", json.dumps(rows))
    assert len(records(path, as_json=True)) == 150


def test_files_that_are_missing_or_damaged_are_named_together(tmp_path: Path) -> None:
    damaged = tmp_path / "a.csv.gz"
    damaged.write_bytes(gzip.compress(b"query,m\nx,1\n" * 500)[:-9])
    empty = write(tmp_path / "empty.csv", "")
    found = problems_of(tmp_path / "nowhere.csv", damaged, empty)
    assert [problem.split(": ")[1] for problem in found] == [
        "cannot be read",
        "cannot be read",
        "line 1",
    ]
