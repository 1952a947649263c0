"""The form that a request asks of its answer: what is valid, what leaves, and what agrees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from services.router.routing.events import Answer
from services.router.routing.tool_votes import NO_TOOL
from services.router.types.messages import ToolCall
from services.router.types.options import (
    GenerationOptions,
    JsonFormat,
    ToolChoice,
    ToolChoiceMode,
)
from tests.unit.router.mixture import FREE, PERSON, TOOLS, form_of

if TYPE_CHECKING:
    from services.router.routing.answer_form import AnswerForm

OBJECT = GenerationOptions(json_format=JsonFormat())
ULM = '{"city": "Ulm"}'


def answer(text: str = "", *calls: tuple[str, str], **fields: Any) -> Answer:
    made = tuple(ToolCall(id="x", name=name, arguments_json=json) for name, json in calls)
    return Answer(model_id="a", text=text, tool_calls=made, **fields)


def normal(form: AnswerForm, given: Answer) -> Answer:
    text, calls = form.normal(given.text, given.tool_calls)
    return replace(given, text=text, tool_calls=calls)


def choosing(mode: ToolChoiceMode, tool_name: str = "", **fields: Any) -> AnswerForm:
    choice = ToolChoice(mode=mode, tool_name=tool_name)
    return form_of(replace(TOOLS, tool_choice=choice, **fields))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"name": "Ann", "age": 3}', None),
        ('```json\n{"name": "Ann", "age": 3.0}\n```', None),
        ('{"name": "Ann"}', '"age" is a required property'),
        ('{"name": "Ann", "age": "three"}', "/age"),
        ('{"name": "Ann", "age": 3', "is no JSON"),
        ('{"name": "Ann", "age": NaN}', "is no JSON"),
        ("Ann is three.", "is no JSON"),
        ("[" * 100_000, "nested"),
    ],
)
def test_a_text_is_valid_if_it_keeps_to_the_schema(text: str, problem: str | None) -> None:
    form = form_of(PERSON)
    problems = form.problems(normal(form, answer(text)))
    assert bool(problems) == (problem is not None)
    assert problem is None or problem in problems[0]


def test_any_object_will_do_where_there_is_no_schema_and_nothing_else_will() -> None:
    form = form_of(OBJECT)
    assert not form.problems(answer('{"a": []}'))
    assert form.problems(answer("[1]")) == ("is no JSON object",)
    assert form.problems(answer("null")) == ("is no JSON object",)


@pytest.mark.parametrize(
    ("calls", "problem"),
    [
        ([("weather", ULM)], None),
        ([("weather", '{"city": "Ulm", "days": 2}'), ("clock", "{}")], None),
        ([("clock", "")], None),  # no arguments at all
        ([("clock", '{"zone": "CET"}')], None),  # a tool without a schema takes anything
        ([("stocks", "{}")], "does not exist"),
        ([("weather", '{"city": "Ul')], "is no JSON"),
        ([("weather", '"Ulm"')], "no JSON object"),
        ([("weather", '{"days": 2}')], "required"),
        ([("weather", '{"city": "Ulm", "days": 0}')], "/days"),
        ([("weather", ULM), ("stocks", "{}")], "does not exist"),  # one wrong call spoils all
    ],
)
def test_a_call_is_valid_if_the_tool_exists_and_takes_its_arguments(
    calls: list[tuple[str, str]], problem: str | None
) -> None:
    form = form_of(TOOLS)
    problems = form.problems(normal(form, answer("", *calls)))
    assert bool(problems) == (problem is not None)
    assert problem is None or problem in " ".join(problems)


def test_a_call_is_a_mistake_of_a_model_that_was_given_no_tools() -> None:
    assert FREE.problems(answer("", ("weather", ULM)))
    assert not FREE.has_tool("weather")


@pytest.mark.parametrize(
    ("form", "text", "weather", "clock"),
    [
        (choosing(ToolChoiceMode.AUTO), True, True, True),
        (choosing(ToolChoiceMode.NONE), True, False, False),
        (choosing(ToolChoiceMode.REQUIRED), False, True, True),
        (choosing(ToolChoiceMode.TOOL, "clock"), False, False, True),
    ],
)
def test_the_choice_of_a_tool_decides_what_is_valid(
    form: AnswerForm, text: bool, weather: bool, clock: bool
) -> None:
    assert (not form.problems(answer("Warm."))) is text
    assert (not form.problems(answer("", ("weather", ULM)))) is weather
    assert (not form.problems(answer("", ("clock", "{}")))) is clock
    assert not form.problems(answer(refusal="No."))


def test_several_calls_at_once_are_a_mistake_where_one_is_wanted() -> None:
    form = choosing(ToolChoiceMode.AUTO, parallel_tool_calls=False)
    assert not form.problems(answer("", ("clock", "{}")))
    assert form.problems(answer("", ("clock", "{}"), ("clock", "{}")))


def test_what_leaves_is_bare_json_and_calls_with_arguments() -> None:
    assert normal(form_of(PERSON), answer("```\n{}\n```")).text == "{}"
    (call,) = normal(form_of(TOOLS), answer("", ("clock", " "))).tool_calls
    assert call.arguments_json == "{}"
    assert normal(FREE, answer("```\n{}\n```")).text == "```\n{}\n```"  # as the caller likes


def test_texts_agree_but_for_case_and_white_space() -> None:
    assert FREE.agree([answer("The  answer is B."), answer("the answer\nis b.")])
    assert not FREE.agree([answer("B"), answer("C")])
    assert not FREE.agree([answer("B")])
    assert FREE.agree([answer(refusal="No."), answer(refusal="I will not.")])
    assert not FREE.agree([answer(refusal="No."), answer("No.")])


def test_json_agrees_by_its_value() -> None:
    form = form_of(PERSON)
    ann = answer('{"name": "Ann", "age": 3}')
    assert form.agree([ann, answer('{"age": 3.0, "name": "Ann"}')])
    assert not form.agree([ann, answer('{"name": "ann", "age": 3}')])
    assert not form.agree([answer('{"answer": 1, "age": 3}'), answer('{"answer": 1, "age": 4}')])


def test_answers_agree_if_they_make_the_same_calls() -> None:
    form = form_of(TOOLS)
    ulm = answer("Let me look.", ("weather", ULM))
    assert form.agree([ulm, answer("", ("weather", '{"days": 1.0, "city": "Ulm"}'))])
    assert not form.agree([ulm, answer("", ("weather", '{"days": 2, "city": "Ulm"}'))])
    assert not form.agree([ulm, answer("", ("weather", ULM), ("clock", "{}"))])
    # Beside a call, words are one vote for no tool; alone, they are compared.
    warm, cold = answer("The answer is A"), answer("The answer is B")
    assert form.agreeing([warm, cold, ulm]) == (0, 1)
    assert form.agreeing([warm, cold]) == (0,)


def test_a_majority_of_calls_is_settled_if_nobody_can_overturn_it() -> None:
    form = form_of(TOOLS)
    ulm, clock = answer("", ("weather", ULM)), answer("", ("clock", "{}"))
    assert form.is_settled([ulm, ulm], lambda _: 0.7, [0.7])
    assert not form.is_settled([ulm, clock], lambda _: 0.7, [0.7])
    assert not form.is_settled([ulm, answer("Warm.")], lambda _: 0.7, [0.7])


def test_the_order_of_the_calls_does_not_matter_and_how_often_they_come_does() -> None:
    form = form_of(TOOLS)
    one, other = ("weather", ULM), ("clock", "{}")
    assert form.choice(answer("", one, other)) == form.choice(answer("", other, one))
    assert form.choice(answer("", one)) != form.choice(answer("", one, one))
    assert form.choice(answer("Warm.")) == NO_TOOL
