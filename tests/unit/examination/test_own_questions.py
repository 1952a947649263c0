from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.own_questions import OwnQuestionsError, read_own_questions
from services.examination.questions.question_command import main

if TYPE_CHECKING:
    from pathlib import Path

    from services.examination.questions.question import Question


def read(path: Path, *records: Any) -> list[Question]:
    file = path / "own.jsonl"
    lines = (line if isinstance(line, str) else json.dumps(line) for line in records)
    file.write_text("\n".join(lines), encoding="utf-8")
    return read_own_questions(file)


def problems(path: Path, *records: Any) -> tuple[str, ...]:
    with pytest.raises(OwnQuestionsError) as error:
        read(path, *records)
    return error.value.problems


def test_the_type_of_gold_chooses_the_checker(tmp_path: Path) -> None:
    number, text, items, fields = read(
        tmp_path,
        {"id": 7, "query": "2 + 2?", "gold": 4, "task": "sums", "level": 1, "scores": {"m": 1}},
        {
            "query": "Long text. Capital of France?",
            "question": "Capital of France?",
            "gold": "Paris",
        },
        {"query": "First letters?", "gold": ["a", "b"], "language": "de"},
        {"query": "As JSON?", "gold": {"a": [1, {"b": None}]}},
    )
    assert (number.id, number.kind, number.level) == ("7", "sums", 1)
    assert (text.id, text.kind, text.level, text.prompt) == (
        "own-2",
        "own",
        3,
        "Capital of France?",
    )
    assert items.language == "de"
    for question, right in (
        (number, "The answer is 4."),
        (text, "**Paris**."),
        (items, "Antwort: a, b"),
        (fields, '```json\n{"a": [1, {"b": null}]}\n```'),
    ):
        assert question.mark(Reply(right)).score == 1
        assert question.mark(Reply("Answer: Berlin, 5")).score == 0


def test_every_problem_is_named_with_its_line(tmp_path: Path) -> None:
    good = {"id": "a", "query": "One?", "gold": 1}
    found = problems(
        tmp_path,
        good,
        {"query": "No gold?"},
        {"query": "  ", "gold": 1},
        {"id": "a", "query": "Other?", "gold": 1},
        {"query": " one? ", "gold": 2},
        {"query": "Level?", "gold": 1, "level": 9},
        {"query": "Level as text?", "gold": 1, "level": "hard"},
        {"query": "Language?", "gold": 1, "language": "it"},
        {"query": "Truth?", "gold": True},
        {"query": "Mixed?", "gold": ["a", 1]},
        {"query": "Two lines?", "gold": "a\nb"},
        '{"query": "Not finite?", "gold": NaN}',
        "[1]",
        "{",
    )
    assert found[:4] == (
        "line 2: has no checker: gold, the right answer, is missing or empty",
        "line 3: query is missing or no text",
        "line 4: has the id of line 1",
        "line 5: has the query of line 1",
    )
    assert [problem.partition(":")[0] for problem in found] == [f"line {n}" for n in range(2, 15)]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(OwnQuestionsError, match=r"missing\.jsonl"):
        read_own_questions(tmp_path / "missing.jsonl")
    (tmp_path / "latin").write_bytes(b"\xff\xfe{}")
    with pytest.raises(OwnQuestionsError, match="latin"):
        read_own_questions(tmp_path / "latin")
    assert problems(tmp_path, "") == ("it holds no question",)
    assert len(problems(tmp_path, *["{"] * 500)) == 500
    with pytest.raises(OwnQuestionsError, match="and 400 more"):
        read(tmp_path, *["{"] * 500)


def test_the_command_shows_a_table_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["questions", "--kind", "algebra", "--level", "2", "--count", "3", "--seed", "4"]
    assert main(options) == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table] == ["id", *(f"algebra-2-en-4-{n}" for n in range(3))]
    assert main([*options, "--json", "--language", "de", "--language", "es"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["language"] for line in lines] == ["de"] * 3 + ["es"] * 3
    assert all("x" in line["prompt"] and line["answer"] for line in lines)


def test_the_command_names_the_problems_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text('{"query": "One?"}\n')
    assert main(["questions", "--file", str(file)]) == 1
    assert "line 1: has no checker" in capsys.readouterr().err
    file.write_text('{"query": "One?", "gold": 1}\n')
    assert main(["questions", "--file", str(file)]) == 0
    assert "One?" in capsys.readouterr().out
