"""The files below ``written`` are as their tools wrote them; its README has the versions."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.data.converters.conversion import ConversionError
from scorer.data.converters.formats import Format, format_of
from scorer.data.records import Record, read_records, write_records

if TYPE_CHECKING:
    from typer.testing import Result

WRITTEN = Path(__file__).parent / "written"
LONG = "query,model,score\nWhy?,m,1\n"


def problems_of(*paths: Path) -> tuple[str, ...]:
    with pytest.raises(ConversionError) as caught:
        format_of(paths)
    return caught.value.problems


def convert(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def written() -> list[Path]:
    """Returns the files that are enough alone; the harness writes its results beside its samples."""
    files = sorted(path for path in WRITTEN.rglob("*") if path.is_file() and path.suffix != ".md")
    return [path for path in files if not path.name.startswith("results_")]


@pytest.mark.parametrize("path", written(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_that_a_tool_wrote_is_recognized(path: Path) -> None:
    tool = path.relative_to(WRITTEN).parts[0]
    # A run of HELM is a folder.
    source = path.parent if tool == "helm" else path
    assert format_of([source]) == tool.replace("_", "-")


@pytest.mark.parametrize("tool", sorted(path.name for path in WRITTEN.iterdir() if path.is_dir()))
def test_every_folder_that_a_tool_wrote_is_recognized(tool: str) -> None:
    assert format_of([WRITTEN / tool]) == tool.replace("_", "-")


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.csv", LONG, Format.CSV),
        ("a.tsv", LONG.replace(",", "\t"), Format.CSV),
        ("table", LONG, Format.CSV),
        ("a.csv", "text,x,y\nWhy?,1,0\n", Format.CSV),
        ("a.csv", "sample_id,prompt,eval_name,a,a|total_cost\n1,Why?,t,1,0\n", "routerbench-csv"),
        ("a.csv", 'id,traceId,input,model,tone\n1,2,Why?,m,"[1]"\n', Format.LANGFUSE),
        ("a.csv", "trace_id,prompt,model,score\n1,Why?,m,1\n", Format.CSV),
        ("a.json", [{"query": "Why?", "model": "m", "score": 1}], Format.JSON),
        ("a.json", {"data": [{"query": "Why?", "scores": {"m": 1}}]}, Format.JSON),
        ("a.jsonl", {"query": [{"role": "user", "content": "Why?"}], "m": 1}, Format.JSON),
        ("a", {"query": "Why?", "scores": {"m": 1}}, Format.JSON),
        ("a.json", {"id": "1", "observations": [], "scores": []}, Format.LANGFUSE),
        ("a.json", {"data": [{"traceId": "1", "name": "x", "value": 1}]}, Format.LANGFUSE),
        ("a.jsonl", {"schema_version": 1, "layers": [], "attempts": []}, Format.DECISIONS),
    ],
)
def test_the_format_of_a_file_is_found_by_what_it_holds(
    tmp_path: Path, name: str, content: object, found: str
) -> None:
    assert format_of([write(tmp_path / name, content)]) == found


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.jsonl", '{"query": "Où?", "m": 1}\r\n{"query": "Wie?", "m": 0}\r\n', Format.JSON),
        ("a.json", '[\n {"query": "Où?", "m": 1}\n]', Format.JSON),
        ("a.csv", "query;m\r\nOù?;1\r\n", Format.CSV),
    ],
)
def test_marks_encodings_and_line_ends_do_not_hide_a_format(
    tmp_path: Path, name: str, text: str, found: str, encoding: str
) -> None:
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert format_of([tmp_path / name]) == found


def test_routing_records_are_json_that_comes_out_as_it_went_in(tmp_path: Path) -> None:
    rows = [
        Record(id=f"r{n}", task="t", query=f"Why {n}?", scores={"a": n % 2, "b": 0.5})
        for n in range(3)
    ]
    source, output = tmp_path / "mine.jsonl.gz", tmp_path / "out.jsonl"
    write_records(source, rows)
    assert convert(source, "--output", output).exit_code == 0
    assert [record.scores for record in read_records(output)] == [row.scores for row in rows]


def test_a_file_that_could_be_two_formats_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "traceId,input,model,score\n1,Why?,m,1\n")
    assert problems_of(path) == (f"{path}: could be csv or langfuse: name it with --from",)
    output = tmp_path / "out.jsonl"
    assert convert(path, "--output", output).exit_code == 1
    assert not output.exists()
    assert convert(path, "--from", "csv", "--output", output).exit_code == 0


def test_files_of_several_formats_are_refused_with_one_of_each(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv", LONG)
    results = WRITTEN / "promptfoo" / "results.json"
    found = f"the files are of several formats: csv ({table}), promptfoo ({results})"
    assert problems_of(table, results) == (f"{found}: convert each by itself",)
    write(tmp_path / "b.json", [{"query": "Why?"}])
    assert "csv" in problems_of(tmp_path)[0]
    assert "json" in problems_of(tmp_path)[0]


@pytest.mark.parametrize(
    ("name", "start", "what"),
    [
        ("a.xlsx", b"PK\x03\x04", "a workbook or an archive"),
        ("a.parquet", b"PAR1", "a Parquet file"),
        ("a.pkl", b"\x80\x05", "a pickle"),
    ],
)
def test_a_file_that_is_no_text_says_what_to_do(
    tmp_path: Path, name: str, start: bytes, what: str
) -> None:
    path = tmp_path / name
    path.write_bytes(start + bytes(40))
    [problem] = problems_of(path)
    assert problem.startswith(f"{path}: is {what}")
    assert problem.endswith("save it as CSV first")


def test_what_cannot_be_read_is_named_whole(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(b'{"query": "Why?"}\n' * 99)[:40])
    found = problems_of(tmp_path / "gone.csv", tmp_path / "empty", cut, write(tmp_path / "b", ""))
    assert len(found) == 4
    assert found[0].startswith(f"{tmp_path / 'gone.csv'}: cannot be read")
    assert found[1].startswith(f"{tmp_path / 'empty'}: has no *.csv or")
    assert found[2].startswith(f"{cut}: cannot be read")
    assert found[3] == f"{tmp_path / 'b'}: line 1: the header names no column"


def test_what_was_found_is_said_and_options_are_those_of_the_format(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    result = convert(WRITTEN / "helm", "--output", output, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("format: helm; --from tells another\n")
    again = tmp_path / "again.jsonl"
    result = convert(WRITTEN / "helm", "--output", again, "--label", "grades")
    assert result.exit_code == 2
    assert "--label is not for helm" in result.stderr


def test_the_tables_of_a_folder_are_one(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.csv", LONG)
    write(tmp_path / "in" / "deep" / "b.csv", "query,model,score\nWhy?,n,0\nHow?,n,1\n")
    output = tmp_path / "out.jsonl"
    assert convert(tmp_path / "in", "--output", output).exit_code == 0
    found = {record.query: record.scores for record in read_records(output)}
    assert found == {"Why?": {"m": 1, "n": 0}, "How?": {"n": 1}}
