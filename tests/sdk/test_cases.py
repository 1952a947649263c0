from __future__ import annotations

from typing import Any

from tests.conformance.server import Record
from tests.sdk.case import APIS, Case, load_cases
from tests.sdk.verdict import problems


def verdict(case: Case, shown: dict[str, Any]) -> list[str]:
    return list(problems(case, "chat", shown, Record(), request_id="client/case"))


def case_of(**fields: Any) -> Case:
    return Case(name="n", about="a", mode="whole", **fields)


def test_there_are_enough_cases_each_of_its_own_name_and_for_every_api() -> None:
    cases = load_cases()
    names = [case.id for case in cases]
    assert len(names) == len(set(names))
    for api in APIS:
        assert len({case.name for case in cases if api in case.apis}) >= 45


def test_an_answer_that_differs_in_anything_is_a_problem() -> None:
    case = case_of(answers=({"text": ["Hel", "lo"], "usage": [{"prompt": 2, "completion": 1}]},))
    right = {"text": "Hello", "refusal": "", "finish": "stop", "tool_calls": [], "usage": [2, 1, 0]}
    assert verdict(case, right) == []
    for name, value in {"text": "Hell", "finish": "length", "usage": [1, 2, 0]}.items():
        assert len(verdict(case, right | {name: value})) == 1
    assert verdict(case, {"text": "", "error": {"class": "E", "status": 1, "says": ""}})


def test_an_error_that_does_not_come_or_is_another_is_a_problem() -> None:
    case = case_of(answers=({},), expect={"error": {"status": 404, "says": "nobody"}})
    error = {"class": "NotFoundError", "status": 404, "says": "no model nobody"}
    assert verdict(case, {"error": error}) == []
    assert verdict(case, {"text": ""})
    assert verdict(case, {"error": error | {"status": 500}})
    assert verdict(case, {"error": error | {"says": "full"}})


def test_a_request_that_did_not_arrive_is_a_problem() -> None:
    case = case_of(answers=({"text": []},), received={"options": {"seed": "7"}}, expect={"left": 1})
    assert verdict(case, {"left": 1}) == ["the router's request.options.seed is None, not '7'"]
