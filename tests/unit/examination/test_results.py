from __future__ import annotations

import gzip
import json
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.evaluation.report.document import markdown
from services.examination.asking.answer import Answer, Form, GivenUp
from services.examination.asking.folder import Examination, Settings
from services.examination.asking.sheet import Sheet
from services.examination.asking.stock import Stock
from services.examination.questions.question import LEVELS
from services.examination.results.findings import Findings, find
from services.examination.results.pairs import chances_to_be_better
from services.examination.results.profile import Profile, profile_of
from services.examination.results.report import report_document, report_page
from services.examination.results.scorer_records import TEXTS_PER_CELL, write_scorer_records
from services.simulator.call import Message, Reply, read_call
from tests.examinees import KINDS, able, by_prompt, guessing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from services.simulator.call import Call

    Model = Callable[[Call], Reply]

STOCK = Stock(KINDS, ["en"], 5, [])
QUESTIONS = by_prompt(STOCK)
SETTINGS = Settings(seed=5, kinds=KINDS, languages=("en",), own_questions="")


def ask(models: Mapping[str, Model], rounds: int = 90, price: float = 1.0) -> list[Answer]:
    """Examines models as the examination does, one answer of each by turns."""
    sheet = Sheet(STOCK, list(models), 0.03)
    answers = []
    for _ in range(rounds):
        for number, (name, model) in enumerate(models.items()):
            question = sheet.next_question(name)
            if question is None:
                continue
            reply = model(read_call(name, [Message(role="user", content=question.prompt)]))
            answer = Answer(
                model=name,
                question=question.id,
                kind=question.kind,
                level=question.level,
                score=float(reply.text == question.draft.reference.text),
                form=Form.WHOLE if reply.text else Form.EMPTY,
                cost_usd=0.001 * price**number,
                prompt_tokens=10,
                completion_tokens=7,
                duration_s=1.0,
                digest=reply.text,
            )
            answers.append(answer)
            sheet.add(answer)
    return answers


def examined(
    answers: Sequence[Answer], folder: Path, before: Sequence[Answer] = ()
) -> tuple[Profile, Findings, Examination]:
    profile = profile_of(answers, STOCK)
    examination = Examination(folder=folder, settings=SETTINGS, entries=tuple(answers))
    return profile, find(examination, profile, STOCK, before), examination


def sure(ability: float, **by_kind: float) -> Model:
    return able(QUESTIONS, ability, name="", **by_kind)


def test_models_are_ranked_by_what_they_can_do_and_not_by_marks_alone(tmp_path: Path) -> None:
    models = {"weak": sure(-1.5), "strong": sure(2.0), "usual": sure(0.2)}
    answers = ask(models)
    profile, findings, _ = examined(answers, tmp_path)
    assert [model.model_id for model in profile.models] == ["strong", "usual", "weak"]
    assert not findings.warnings
    marks = {
        name: np.mean([a.score for a in answers if a.model == name]) for name in ("strong", "usual")
    }
    shares = {model.model_id: model.mean_success for model in profile.models}
    assert shares["strong"] - shares["usual"] > marks["strong"] - marks["usual"]


def test_who_is_good_at_what_is_found(tmp_path: Path) -> None:
    answers = ask({"counts": sure(0.0, arithmetic=2.5), "reads": sure(0.0, reading=2.5)})
    profile, _, _ = examined(answers, tmp_path)
    found = {model.model_id: model for model in profile.models}
    chances = chances_to_be_better(profile, found["counts"], found["reads"])
    assert chances[KINDS.index("arithmetic")] > 0.95
    assert chances[KINDS.index("reading")] < 0.05


def test_a_model_that_answers_nothing_is_named(tmp_path: Path) -> None:
    _, findings, _ = examined(ask({"a": sure(1), "silent": lambda _: Reply(text="")}), tmp_path)
    assert any("silent answers nothing" in warning for warning in findings.warnings)
    assert not any(warning.startswith("a ") for warning in findings.warnings)


def test_a_model_that_guesses_is_named(tmp_path: Path) -> None:
    models = {"a": sure(-0.5), "b": sure(-1.5), "c": sure(0.2), "coin": guessing(QUESTIONS, 0.7)}
    _, findings, _ = examined(ask(models, 150), tmp_path)
    assert [w.split()[0] for w in findings.warnings if "seems to guess" in w] == ["coin"]


def test_a_model_under_two_names_is_named(tmp_path: Path) -> None:
    models = {
        "one": able(QUESTIONS, 0.0, name="same"),
        "two": able(QUESTIONS, 0.0, name="same"),
        "three": able(QUESTIONS, 0.0, name="other"),
    }
    _, findings, _ = examined(ask(models), tmp_path)
    same = [advice for advice in findings.advice if "one model" in advice]
    assert [advice.split(" seem")[0] for advice in same] == ["one and two"]


def test_a_model_that_changes_in_the_middle_is_named(tmp_path: Path) -> None:
    calls = count()

    def turning(call: Call) -> Reply:
        return (sure(1.5) if next(calls) < 40 else sure(-1.5))(call)

    _, findings, _ = examined(ask({"a": turning, "b": sure(0.5)}), tmp_path)
    assert len(findings.warnings) == 1
    assert findings.warnings[0].startswith("a changed in the middle of the examination: worse")


def test_a_model_that_changed_behind_its_name_is_named(tmp_path: Path) -> None:
    before = ask({"a": sure(1.5), "b": sure(0)})
    after = ask({"a": sure(-0.5), "b": sure(0)})
    _, findings, _ = examined(after, tmp_path, before)
    assert len(findings.warnings) == 1
    assert findings.warnings[0].startswith("a is not what it was in the earlier examination: worse")
    _, findings, _ = examined(before, tmp_path, before)
    assert not findings.warnings


def test_a_model_that_is_beaten_everywhere_for_less_is_named(tmp_path: Path) -> None:
    answers = ask({"cheap": sure(1.5), "dear": sure(-1.5)}, price=10)
    _, findings, _ = examined(answers, tmp_path)
    assert any("dear never earns its place" in advice for advice in findings.advice)
    answers = ask({"cheap": sure(-1.5), "dear": sure(1.5)}, price=10)
    _, findings, _ = examined(answers, tmp_path)
    assert not findings.advice


def test_a_cheaper_model_that_is_as_good_is_named(tmp_path: Path) -> None:
    models = {"cheap": able(QUESTIONS, 0.5, "x"), "dear": able(QUESTIONS, 0.5, "y")}
    _, findings, _ = examined(ask(models, price=10), tmp_path)
    assert any("cheap could not be told from dear" in advice for advice in findings.advice)


def test_a_model_that_was_given_up_is_named_until_it_answers(tmp_path: Path) -> None:
    answers = ask({"a": sure(1)}, 10)
    given_up = GivenUp(model="b", given_up="7 calls in a row failed")
    profile = profile_of(answers, STOCK)
    examination = Examination(folder=tmp_path, settings=SETTINGS, entries=(*answers, given_up))
    assert (
        "b was given up: 7 calls in a row failed." in find(examination, profile, STOCK, ()).warnings
    )
    again = Examination(
        folder=tmp_path,
        settings=SETTINGS,
        entries=(GivenUp(model="a", given_up="x"), *answers),
    )
    assert not again.given_up


def test_the_report_names_all_models_kinds_and_findings(tmp_path: Path) -> None:
    answers = ask({"org/<one>": sure(1), "org/two": sure(-1)}, price=3)
    profile, findings, examination = examined(answers, tmp_path)
    sentences = {"warning": findings.warnings, "advice": findings.advice}
    document = report_document(examination, profile, sentences)
    text, page = markdown(document), report_page(document, profile)
    for name in (*KINDS, "org/two"):
        assert name in text
        assert name in page
    assert "org/<one>" not in page
    assert "org/&lt;one&gt;" in page
    assert page.count("<circle") == 2


def test_records_hold_success_by_kind_and_weigh_what_is_known(tmp_path: Path) -> None:
    answers = ask({"a": sure(1.5), "b": sure(-1.5)})
    profile = profile_of(answers, STOCK)
    written = write_scorer_records(tmp_path / "records.jsonl.gz", profile, STOCK)
    with gzip.open(tmp_path / "records.jsonl.gz") as file:
        rows = [json.loads(line) for line in file]
    assert len(rows) == written == 2 * len(KINDS) * len(LEVELS) * TEXTS_PER_CELL
    assert len({row["id"] for row in rows}) == written
    best = next(model for model in profile.models if model.model_id == "a")
    ours = [row for row in rows if "a" in row["scores"] and row["task"] == "reading"]
    kind = KINDS.index("reading")
    assert {row["scores"]["a"] for row in ours} == {round(float(best.success[kind]), 4)}
    share = best.success[kind]
    labels = share * (1 - share) / best.errors[kind] ** 2
    assert sum(row["weight"] for row in ours) == pytest.approx(labels, rel=1e-3)
    assert ours[0]["completion_tokens"] == {"a": 7}


def test_the_order_of_answers_does_not_change_a_profile() -> None:
    answers = ask({"a": sure(1), "b": sure(-1)}, 30)
    mixed = Random(1).sample(answers, len(answers))
    one, two = profile_of(answers, STOCK), profile_of(mixed, STOCK)
    assert [m.model_id for m in one.models] == [m.model_id for m in two.models]
    assert np.allclose(one.models[0].success, two.models[0].success, atol=1e-6)
