from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import pytest

from services.examination.asking.answer import Answer, Failure, Form, GivenUp
from services.examination.asking.folder import (
    ANSWERS,
    FolderError,
    open_answers,
    prepare,
    read_examination,
)
from services.examination.asking.pause import MAX_FAILURES, MAX_PAUSE_S, Pause
from services.examination.asking.purse import Purse
from services.examination.asking.sheet import Sheet
from services.examination.asking.stock import MAX_KINDS, Stock, TooManyKindsError
from services.examination.questions.own_questions import OwnQuestionsError, read_own_questions
from services.examination.questions.question import LEVELS

if TYPE_CHECKING:
    from pathlib import Path

    from services.examination.asking.answer import Entry
    from services.examination.questions.question import Question


def answer(model: str, question: Question, score: float = 1.0) -> Answer:
    return Answer(
        model=model,
        question=question.id,
        kind=question.kind,
        level=question.level,
        score=score,
        form=Form.WHOLE,
        cost_usd=0.01,
        prompt_tokens=10,
        completion_tokens=5,
        duration_s=0.5,
        digest="d",
    )


def made(folder: Path, **changes: object) -> None:
    settings: dict[str, object] = {"seed": 1, "kinds": ["logic"], "languages": ["en"], "own": None}
    prepare(folder, **(settings | changes))  # type: ignore[arg-type]


def own_file(path: Path, count: int = 3, task: str = "geography") -> Path:
    path.write_text(
        "\n".join(
            json.dumps({"query": f"Question {number}?", "gold": number, "task": task, "level": 1})
            for number in range(count)
        )
    )
    return path


def test_all_models_get_the_same_questions_in_the_same_order() -> None:
    stock = Stock(["logic", "dates"], ["en", "de"], 3, [])
    sheet = Sheet(stock, ["a", "b"], 0.1)
    asked: dict[tuple[str, str, int], list[str]] = {}
    for model in ("a", "b") * 30:
        question = sheet.next_question(model)
        assert question is not None
        asked.setdefault((model, question.kind, question.level), []).append(question.id)
    for (model, kind, level), ids in asked.items():
        others = asked.get(("b" if model == "a" else "a", kind, level), [])
        assert all(one == other for one, other in zip(ids, others, strict=False))
    cell = stock.cell_of("dates", 2)
    found = [stock.question(cell, number) for number in range(4)]
    assert [question.language for question in found if question] == ["en", "de", "en", "de"]


def test_own_questions_come_first_and_have_kinds_of_their_own(tmp_path: Path) -> None:
    own = read_own_questions(own_file(tmp_path / "own.jsonl"))
    stock = Stock(["logic"], ["en"], 0, own)
    assert stock.kinds == ("logic", "geography")
    cell = stock.cell_of("geography", 1)
    assert [stock.question(cell, number) for number in range(4)] == [*own, None]
    assert stock.levels.tolist() == [[1.0] * 6, [0, 1.0, 0, 0, 0, 0]]


def test_too_many_kinds_are_refused(tmp_path: Path) -> None:
    lines = [
        json.dumps({"query": f"Question {number}?", "gold": 1, "task": f"task {number}"})
        for number in range(MAX_KINDS + 1)
    ]
    (tmp_path / "own.jsonl").write_text("\n".join(lines))
    with pytest.raises(TooManyKindsError, match="64 are the most"):
        Stock([], ["en"], 0, read_own_questions(tmp_path / "own.jsonl"))


def test_nothing_that_was_answered_is_asked_again() -> None:
    stock = Stock(["logic"], ["en"], 1, [])
    sheet, answers = Sheet(stock, ["a"], 0.05), []
    for _ in range(20):
        question = sheet.next_question("a")
        assert question is not None
        answers.append(answer("a", question))
        sheet.add(answers[-1])
    resumed = Sheet(stock, ["a"], 0.05, answers)
    assert resumed.count_of("a") == 20
    later = [question for _ in range(20) if (question := resumed.next_question("a"))]
    asked = [each.question for each in answers] + [question.id for question in later]
    assert len(set(asked)) == len(asked)


def test_a_question_without_an_answer_can_be_asked_again() -> None:
    sheet = Sheet(Stock(["logic"], ["en"], 1, []), ["a"], 0.05)
    question = sheet.next_question("a")
    assert question is not None
    sheet.put_back("a", question.id)
    asked = [sheet.next_question("a") for _ in range(60)]
    assert question in asked


def test_a_model_is_not_asked_of_cells_that_it_has_no_room_for() -> None:
    stock = Stock(["logic", "dates"], ["en"], 1, [])
    sheet = Sheet(stock, ["a"], 0.01)
    unfit = stock.levels > 0
    unfit[1, 0] = False
    sheet.forbid("a", unfit)
    found = {sheet.next_question("a") for _ in range(10)}
    assert {(each.kind, each.level) for each in found if each} == {("dates", LEVELS[0])}


def test_answers_are_kept_and_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    made(tmp_path / "e")
    question = Stock(["logic"], ["en"], 1, []).question(
        Stock(["logic"], ["en"], 1, []).cell_of("logic", 1), 0
    )
    assert question is not None
    entries: list[Entry] = [
        answer("a", question),
        Failure(model="a", question="q", failure="TIMEOUT", message="", cost_usd=0.5),
        GivenUp(model="b", given_up="it is down"),
    ]
    with open_answers(tmp_path / "e") as file:
        for entry in entries:
            file.append(entry)
    with (tmp_path / "e" / ANSWERS).open("ab") as torn:
        torn.write(b'{"model": "a", "quest')
    found = read_examination(tmp_path / "e")
    assert list(found.entries) == entries
    assert found.spent_usd == pytest.approx(0.51)
    assert found.given_up == {"b": "it is down"}
    with open_answers(tmp_path / "e") as file:
        file.append(entries[0])
    assert len(read_examination(tmp_path / "e").answers) == 2


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    made(tmp_path / "e")
    (tmp_path / "e" / ANSWERS).write_text('{"model": 1}\n[]\n')
    with pytest.raises(FolderError, match=r"line 1: is no answer\n.*line 2: is no answer"):
        read_examination(tmp_path / "e")


def test_a_folder_goes_on_with_the_same_settings_alone(tmp_path: Path) -> None:
    made(tmp_path / "e", own=own_file(tmp_path / "own.jsonl"))
    made(tmp_path / "e", own=own_file(tmp_path / "own.jsonl"))
    changed = own_file(tmp_path / "changed.jsonl", count=4)
    with pytest.raises(FolderError, match="another seed and own questions"):
        made(tmp_path / "e", seed=2, own=changed)
    with pytest.raises(FolderError, match="holds no examination"):
        read_examination(tmp_path)


def test_bad_own_questions_leave_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"query": "?"}\n{"query": "a", "gold": 1}\n{"query": "a", "gold": 2}\n')
    with pytest.raises(
        OwnQuestionsError, match=r"line 1: has no checker(.|\n)*line 3: has the query"
    ):
        made(tmp_path / "e", own=path)
    assert not (tmp_path / "e").exists()


def test_two_examinations_do_not_write_one_folder(tmp_path: Path) -> None:
    made(tmp_path / "e")
    with (
        open_answers(tmp_path / "e"),
        pytest.raises(FolderError, match="another examination is running"),
        open_answers(tmp_path / "e"),
    ):
        pass


def test_the_worst_case_is_set_aside_before_a_call() -> None:
    purse = Purse(1.0, 0.25)
    assert purse.reserve(0.5)
    assert not purse.reserve(0.5)
    purse.settle(0.5, 0.01)
    assert purse.reserve(0.5)
    assert purse.spent_usd == pytest.approx(0.26)
    assert Purse(None, 10.0).reserve(1e9)


def test_failures_in_a_row_end_an_examination_and_one_success_forgives() -> None:
    pause = Pause(first_pause_s=0.0)
    for _ in range(MAX_FAILURES - 1):
        pause.fail(None, started_s=time.monotonic())
    assert not pause.hopeless
    assert pause.allowed(4) == 1
    pause.succeed()
    assert pause.allowed(4) == 4
    for _ in range(MAX_FAILURES):
        pause.fail(None, started_s=time.monotonic())
    assert pause.hopeless


def test_calls_that_fail_together_count_once() -> None:
    pause, started_s = Pause(first_pause_s=0.0), time.monotonic()
    for _ in range(4):
        pause.fail(None, started_s=started_s)
    assert pause.failures == 1


def test_a_model_is_left_alone_as_long_as_it_asks_but_not_for_ever() -> None:
    pause, started_s = Pause(first_pause_s=0.0), time.monotonic()
    pause.fail(0.2, started_s=started_s)
    asyncio.run(pause.over())
    assert time.monotonic() - started_s >= 0.19
    pause.fail(2 * MAX_PAUSE_S, started_s=time.monotonic())
    assert pause.hopeless
