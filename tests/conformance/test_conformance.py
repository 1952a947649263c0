"""The Python client conforms; the other languages are run by `make test-clients`."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio
import structlog

from routemoa.errors import ERRORS
from routemoa.v1.scorer_service_pb2 import RankModelsRequest
from tests import toolchain
from tests.conformance import __main__ as runner
from tests.conformance.__main__ import matrix, ready
from tests.conformance.case import Case, Expectation, Script, load_cases
from tests.conformance.driver import driving
from tests.conformance.junit import junit
from tests.conformance.language import LANGUAGES, Language
from tests.conformance.messages import METHODS
from tests.conformance.server import Record
from tests.conformance.suite import Suite, playing
from tests.conformance.verdict import problems

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.conformance.case import Json

SERVICE_CONFIG = Path(__file__).parents[2] / "proto/routemoa/v1/service_config.json"
CASES = load_cases()
PYTHON = [language for language in LANGUAGES if not language.toolchain]
REASONS = {case.script.error["reason"] for case in CASES if case.script.error}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def suite() -> AsyncIterator[Suite]:
    async with playing(CASES, version("routemoa")) as playing_suite:
        yield playing_suite


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("language", PYTHON, ids=lambda language: language.name)
async def test_the_python_client_conforms(suite: Suite, language: Language) -> None:
    wrong = {}
    async with driving(language) as driver:
        for case in CASES:
            if found := await suite.run(case, language, driver):
                wrong[case.name] = found
    assert not wrong


def test_every_method_and_every_reason_has_a_case() -> None:
    assert {case.method for case in CASES} == set(METHODS)
    assert set(ERRORS) - REASONS == {"ERROR_REASON_INTERNAL"}  # provoked by a crash
    assert "crash" in REASONS


def test_attempts_are_those_that_the_service_config_allows() -> None:
    allowed = {
        name["method"]: entry.get("retryPolicy", {"maxAttempts": 1})["maxAttempts"]
        for entry in json.loads(SERVICE_CONFIG.read_text())["methodConfig"]
        for name in entry["name"]
    }
    unavailable = [case for case in CASES if is_unavailable(case) and "repeat" not in case.call]
    assert {case.method for case in unavailable} == set(METHODS)
    for case in unavailable:
        failing = case.script.fail_attempts
        least = allowed.get(case.method, 1) if failing is None else failing + 1
        assert case.expect.attempts == (least, least), case.name
    assert {case.method for case in unavailable if case.expect.attempts > (1, 1)} == {
        method for method, attempts in allowed.items() if attempts > 1
    }


def is_unavailable(case: Case) -> bool:
    kind = ERRORS.get((case.script.error or {}).get("reason", ""))
    return kind is not None and kind.code is grpc.StatusCode.UNAVAILABLE


CASE = Case(
    name="sample",
    about="A case to judge by.",
    method="RankModels",
    requests=({"query": "Why?"},),
    script=Script(),
    expect=Expectation(responses=({"scorer_version": "1"},), metadata={"user-agent": "a/1 "}),
)
OUTCOME: Json = {"responses": [{"scorerVersion": "1"}], "error": None}
ERROR: Json = {
    "reason": "ERROR_REASON_DRAINING",
    "code": "UNAVAILABLE",
    "message": "gone",
    "metadata": {},
    "violations": [],
    "retry_delay_ms": None,
    "retryable": True,
}


def record(**changes: object) -> Record:
    seen = {
        "attempts": [{"user-agent": "a/1 grpc"}],
        "remaining_s": [None],
        "requests": [RankModelsRequest(query="Why?")],
    }
    return Record(**(seen | changes))  # type: ignore[arg-type]  # the fields of a record


def test_an_outcome_as_expected_has_no_problems() -> None:
    assert list(problems(CASE, OUTCOME, record(), {})) == []


@pytest.mark.parametrize(
    ("outcome", "seen"),
    [
        ({"responses": [], "error": None}, record()),
        ({"responses": [{"scorerVersion": "2"}], "error": None}, record()),
        (OUTCOME | {"error": ERROR}, record()),
        (OUTCOME, record(attempts=[])),
        (OUTCOME, record(attempts=[{"user-agent": "a/1 x"}] * 2)),
        (OUTCOME, record(attempts=[{"user-agent": "a/2 x"}])),
        (OUTCOME, record(requests=[RankModelsRequest(query="?")])),
    ],
)
def test_an_outcome_that_is_not_as_expected_has_a_problem(
    outcome: dict[str, object], seen: Record
) -> None:
    assert list(problems(CASE, outcome, seen, {}))


@pytest.mark.parametrize(
    "expected",
    [
        {"filled": ("truncated",)},
        {"distinct": "user-agent"},
        {"connections": (2, 2)},
        {"remaining_ms": (1000, 2000)},
    ],
    ids=lambda expected: next(iter(expected)),
)
def test_what_the_server_saw_and_was_not_expected_is_a_problem(expected: dict[str, Any]) -> None:
    seen = record(attempts=[{"user-agent": "a/1 grpc"}] * 2, remaining_s=[3.0], peers={"one"})
    expect = replace(CASE.expect, attempts=(2, 2))
    assert not list(problems(replace(CASE, expect=expect), OUTCOME, seen, {}))
    case = replace(CASE, expect=replace(expect, **expected))
    assert list(problems(case, OUTCOME, seen, {}))


@pytest.mark.parametrize(
    "change",
    [
        {"reason": ""},
        {"code": "INTERNAL"},
        {"message": "other"},
        {"metadata": {"a": "b"}},
        {"retryable": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_error_that_is_not_as_expected_has_a_problem(change: dict[str, object]) -> None:
    expect = Expectation(error={"reason": "ERROR_REASON_DRAINING", "message": "gone"})
    case = Case(name="sample", about="", method="RankModels", script=Script(), expect=expect)
    seen = record(requests=[RankModelsRequest()])
    assert not list(problems(case, {"responses": [], "error": ERROR}, seen, {}))
    assert list(problems(case, {"responses": [], "error": ERROR | change}, seen, {}))


def test_the_matrix_says_which_language_was_skipped_and_why() -> None:
    text = matrix([CASE], {"python": {"sample": []}, "go": {}}, {"java": "not installed: mvn"})
    assert "| sample | ok | not run |" in text
    assert "java: skipped, not installed: mvn" in text


@pytest.mark.parametrize(
    "client", [item for item in LANGUAGES if item.toolchain], ids=lambda item: item.name
)
def test_a_language_without_its_toolchain_is_said_to_be_skipped(
    client: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv(toolchain.REQUIRED, raising=False)
    languages, skipped = ready([client.name], builds=True)
    assert languages == []
    missing = f"not installed: {', '.join(client.toolchain)}"
    assert skipped == {client.name: missing}
    monkeypatch.setenv(toolchain.REQUIRED, "1")
    assert ready([client.name], builds=True)[1] == {client.name: f"FAILED, {missing}"}


def test_a_report_has_a_suite_for_every_language_also_for_those_that_did_not_run() -> None:
    skipped = {"java": "not installed: mvn", "typescript": "FAILED: npm test"}
    results: dict[str, dict[str, list[str]]]
    results = {"python": {"sample": []}, "go": {"sample": ["late", "wrong"]}, "rust": {}}
    root = junit([CASE], results, skipped, dict.fromkeys(results, 1.5)).getroot()
    told = {
        suite.get("name", "").partition(", ")[2]: [
            (case.get("name"), *((found.tag, found.get("message")) for found in case))
            for case in suite
        ]
        for suite in root
    }
    assert told == {
        "python": [("sample",)],
        "go": [("sample", ("failure", "late; wrong"))],
        "rust": [("sample", ("failure", "not run"))],
        "java": [("build", ("skipped", "not installed: mvn"))],
        "typescript": [("build", ("failure", "FAILED: npm test"))],
    }


@pytest.fixture
def logging_kept() -> Iterator[None]:
    """Undoes what the runner does to the logs of its process."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("logging_kept")
def test_a_client_that_cannot_be_built_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Language(name="broken", build=(("false",),), driver=(), agent="")
    monkeypatch.setattr(runner, "LANGUAGES", (broken,))
    monkeypatch.setattr(sys, "argv", ["conformance", "--cases", "rank"])
    with pytest.raises(SystemExit) as ended:
        runner.main()
    assert ended.value.code == 1
    assert "broken: skipped, FAILED: false" in capsys.readouterr().out
