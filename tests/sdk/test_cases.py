from __future__ import annotations

import json
import re
from typing import Any

from tests.conformance.server import Record
from tests.sdk.case import APIS, Case, load_cases
from tests.sdk.client import CLIENTS, ROOT, Client
from tests.sdk.verdict import problems


def verdict(case: Case, shown: dict[str, Any]) -> list[str]:
    return list(problems(case, CLIENTS[0], shown, Record(), request_id="client/case"))


def case_of(**fields: Any) -> Case:
    return Case(name="n", about="a", mode="whole", **fields)


def test_there_are_enough_cases_each_of_its_own_name_and_for_every_api() -> None:
    cases = load_cases()
    names = [case.key for case in cases]
    assert len(names) == len(set(names))
    for api in APIS:
        assert len({case.name for case in cases if api in case.apis and not case.framework}) >= 45


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


def test_an_error_of_another_class_than_the_frameworks_own_is_a_problem() -> None:
    client = next(client for client in CLIENTS if client.does)
    case = case_of(framework=True, answers=({},), expect={"error": {"status": 404}})
    error = {"status": 404, "says": "no model nobody"}
    own, other = error | {"class": min(client.errors or ())}, error | {"class": "KeyError"}

    def found(shown: dict[str, Any]) -> list[str]:
        return list(problems(case, client, {"error": shown}, Record(), request_id="client/case"))

    assert found(own) == []
    assert found(other) == ["'KeyError' is not a class of the framework's errors"]


def test_a_framework_runs_the_cases_of_what_it_does() -> None:
    client = Client(name="n", api="chat", environment="e", program=(), does=frozenset({"json"}))
    assert client.runs(case_of(framework=True, does="json"))
    assert client.runs(case_of(framework=True))
    assert not client.runs(case_of(framework=True, does="tools"))
    assert not client.runs(case_of(framework=True, apis=("messages",)))
    assert not client.runs(case_of())


def test_the_document_tells_the_versions_that_are_locked_and_has_every_client() -> None:
    document = (ROOT / "docs/sdks.md").read_text(encoding="utf-8")
    locks = "".join(path.read_text() for path in (ROOT / "requirements").glob("sdk-*.txt"))
    for path in (ROOT / "tests/sdk/node").glob("*/package-lock.json"):
        packages = json.loads(path.read_text())["packages"]
        locks += "".join(
            f"{name.removeprefix('node_modules/')}=={package.get('version')} "
            for name, package in packages.items()
        )
    locks += (ROOT / "tests/sdk/go/openai/go.mod").read_text().replace("/v3 v", "==")
    rows = re.findall(r"^\| `([\w@/-]+)`.*?\| (\d[\d.]+) \|", document, re.MULTILINE)
    assert len(rows) >= 10
    for name, version in rows:
        assert f"{name}=={version}" in locks
    for client in CLIENTS:
        assert f"| {client.name} |" in document
