from __future__ import annotations

import json
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.data.records import Record, read_records, write_records

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

CSV = """sample_id,prompt,eval_name,a,a|total_cost,b,b|total_cost
1,Why?,t,1,0.1,0,0.2
2,How?,t,1,0.1,1,0.2
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write(path: Path, *queries: str, model: str = "a") -> Path:
    path.parent.mkdir(exist_ok=True)
    rows = [
        Record(id=f"{path.parent.name}{number}", task="t", query=query, scores={model: number % 2})
        for number, query in enumerate(queries)
    ]
    write_records(path, rows)
    return path


def test_convert_writes_records_and_warns_of_a_model_with_one_class(tmp_path: Path) -> None:
    source, output = tmp_path / "a.csv", tmp_path / "a.jsonl.gz"
    source.write_text(CSV)
    result = run("convert", source, "--from", "routerbench-csv", "--output", output, "--json")
    assert result.exit_code == 0, result.output
    facts = {"records": 2, "tasks": 1, "models": 2, "scores": 4, "costs": 4}
    assert json.loads(result.stdout) == facts
    assert result.stderr == "warning: one and the same score everywhere: a\n"
    assert [record.costs_usd["b"] for record in read_records(output)] == [0.2, 0.2]


def test_convert_writes_nothing_if_a_line_is_bad_and_never_overwrites(tmp_path: Path) -> None:
    source, output = tmp_path / "a.csv", tmp_path / "a.jsonl"
    source.write_text(CSV + "3,What?,t,7,0,0,0\n")
    result = run("convert", source, "--from", "routerbench-csv", "--output", output)
    assert result.exit_code == 1
    assert f"{source}: line 4: scores: 'a' must be a number in [0, 1], is 7.0" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    source.write_text(CSV)
    output.write_text("mine")
    assert run("convert", source, "--from", "routerbench-csv", "--output", output).exit_code == 1
    assert output.read_text() == "mine"


def test_options_of_one_source_are_refused_with_another(tmp_path: Path) -> None:
    output = tmp_path / "a.jsonl"
    result = run("convert", "x", "--from", "routerbench-csv", "--output", output, "--metric", "acc")
    assert result.exit_code == 2
    assert "--metric is not for routerbench-csv" in result.stderr
    result = run("convert", "x", "--from", "csv", "--output", output, "--label", "grades")
    assert result.exit_code == 2
    assert "--query-field" in result.stderr


def test_overlap_counts_by_file_and_shows_no_text(tmp_path: Path) -> None:
    train = write(tmp_path / "pool" / "train.jsonl", "Why me?", "How so?", "Where?")
    test = write(tmp_path / "exam" / "test.jsonl", "why  me", "When?")
    result = run("overlap", train, "--test", test, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["rows"] == {str(train): 3, str(test): 2}
    found = {(each["file"], each["other"]): each for each in document["overlaps"]}
    assert found[str(train), str(test)]["rows"] == {"text": 1, "stem": 0, "line": 0}
    assert found[str(train), str(test)]["examples"]["text"] == [["pool0", "exam0"]]
    table = run("overlap", train, "--test", test)
    assert "1 + 0 + 0" in table.stdout
    assert "why" not in (result.stdout + table.stdout).casefold()


def test_overlap_drops_what_the_tests_ask_and_leaves_the_rest(tmp_path: Path) -> None:
    first = write(tmp_path / "one" / "train.jsonl.gz", "Why me?", "How so?")
    second = write(tmp_path / "two" / "train.jsonl.gz", "Where?", "How so?")
    test = write(tmp_path / "exam" / "test.jsonl", "why me", model="stranger")
    output = tmp_path / "clean"
    result = run("overlap", first, second, "--test", test, "--drop-to", output, "--json")
    assert result.exit_code == 0, result.output
    assert f"{test} has models that no training file has: stranger" in result.stderr
    assert [record.query for record in read_records(output / "one/train.jsonl.gz")] == ["How so?"]
    assert read_records(output / "two/train.jsonl.gz") == read_records(second)
    kept = {str(output / "one/train.jsonl.gz"): 1, str(output / "two/train.jsonl.gz"): 2}
    assert json.loads(result.stdout)["kept_rows"] == kept


def test_overlap_refuses_a_directory_that_exists_and_a_bad_file(tmp_path: Path) -> None:
    train = write(tmp_path / "one" / "train.jsonl", "Why?")
    test = write(tmp_path / "exam" / "test.jsonl", "How?")
    result = run("overlap", train, "--test", test, "--drop-to", tmp_path)
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    test.write_text("{\n")
    result = run("overlap", train, "--test", test)
    assert result.exit_code == 1
    assert f"{test}: line 1: is not JSON" in result.stderr


def test_overlap_refuses_a_file_that_is_both_training_and_test(tmp_path: Path) -> None:
    train = write(tmp_path / "one" / "train.jsonl", "Why?")
    result = run("overlap", train, "--test", tmp_path / "one" / ".." / "one" / "train.jsonl")
    assert result.exit_code == 1
    assert result.stderr == f"{train.resolve()}: is a training and a test file\n"


def test_convert_reads_a_table_and_says_what_it_did(tmp_path: Path) -> None:
    source, output = tmp_path / "a.csv", tmp_path / "a.jsonl"
    rows = "".join(f"q{n};m;{n % 5 + 1};{n % 2}\n" for n in range(12)) + "q0;m;3;0\nq1;new;5;1\n"
    source.write_text("prompt;model;stars;year\n" + rows, encoding="utf-16")
    result = run("convert", source, "--from", "csv", "--output", output, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["scores"] == 13
    assert "a.csv: utf-16, separated by semicolons" in result.stderr
    assert "scores: numbers from 1 to 5, mapped to 0 to 1" in result.stderr
    assert "warning: scores of the same query that differ, by model: m (1)" in result.stderr
    assert "warning: one and the same score everywhere: new" in result.stderr
    assert "warning: fewer than 10 scores: new" in result.stderr
    assert len(read_records(output)) == 12


def test_convert_of_a_bad_table_leaves_nothing(tmp_path: Path) -> None:
    source, output = tmp_path / "a.csv", tmp_path / "a.jsonl"
    source.write_text("prompt,model,score\nx,m,1\ny,m,perhaps\nz,m,0\n")
    result = run("convert", source, "--from", "csv", "--output", output)
    assert result.exit_code == 1
    assert f"{source}: line 3: m: must be a score, is 'perhaps'" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_scale_that_is_none_is_refused(tmp_path: Path) -> None:
    for scale in ("five", "1..1", "a=2", "..", "1..nan"):
        result = run(
            *("convert", "x", "--from", "csv", "--output", tmp_path / "a", "--scale", scale)
        )
        assert result.exit_code == 2, scale
        assert "must be such as 1..5" in result.stderr
