"""Failures: each in OpenAI's form, with what a client may do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routemoa.errors import (
    ERRORS,
    AnswerTimedOutError,
    BudgetExhaustedError,
    FieldViolation,
    GenerationFailedError,
    InvalidFieldError,
    OverloadedError,
)
from services.gateway.upstream.rpc_failures import KINDS
from tests.gateway.scripted_router import ScriptedRouter, delta, failing, routing, silence
from tests.ports import free_port

if TYPE_CHECKING:
    from routemoa.errors import RouteMoAError
    from tests.gateway.conftest import Front, StartFront

STATUSES = {
    "ERROR_REASON_INVALID_FIELD": (400, "invalid_field"),
    "ERROR_REASON_INVALID_PAGE_TOKEN": (400, "invalid_page_token"),
    "ERROR_REASON_MODEL_NOT_FOUND": (404, "model_not_found"),
    "ERROR_REASON_MODEL_POOL_MISMATCH": (500, "internal_error"),
    "ERROR_REASON_NO_ELIGIBLE_MODEL": (400, "no_eligible_model"),
    "ERROR_REASON_OVERLOADED": (503, "overloaded"),
    "ERROR_REASON_DRAINING": (503, "overloaded"),
    "ERROR_REASON_GENERATION_FAILED": (502, "generation_failed"),
    "ERROR_REASON_DEADLINE_TOO_SHORT": (504, "timeout"),
    "ERROR_REASON_ANSWER_TIMED_OUT": (504, "timeout"),
    "ERROR_REASON_INTERNAL": (500, "internal_error"),
    "ERROR_REASON_BUDGET_EXHAUSTED": (429, "insufficient_quota"),
    "ERROR_REASON_UNKNOWN_TENANT": (401, "invalid_api_key"),
    "ERROR_REASON_BUDGET_STORE_UNAVAILABLE": (503, "overloaded"),
    "ERROR_REASON_MISSING_CAPABILITY": (400, "missing_capability"),
    "ERROR_REASON_NO_VALID_ANSWER": (502, "no_valid_answer"),
    "ERROR_REASON_FEEDBACK_DISABLED": (400, "feedback_disabled"),
    "ERROR_REASON_DECISION_NOT_FOUND": (404, "decision_not_found"),
    "ERROR_REASON_FEEDBACK_LIMIT": (429, "rate_limit_exceeded"),
}


def test_every_error_of_the_contract_has_a_kind() -> None:
    assert {kind.reason for kind in KINDS} == set(ERRORS)


@pytest.mark.parametrize("kind", ERRORS.values(), ids=lambda kind: kind.__name__)
async def test_an_error_of_the_router_has_openais_status_and_code(
    kind: type[RouteMoAError], start_front: StartFront
) -> None:
    front = await start_front(ScriptedRouter(failing(kind("what happened"))))
    for stream in (False, True):
        reply = await front.chat(stream=stream)
        assert (reply.status, reply.error["code"]) == STATUSES[kind.reason]
        assert reply.error["message"] == "what happened"
        assert reply.error["request_id"] == reply.headers["x-request-id"]
        retried = reply.status >= 500 or reply.status == 429
        refused = reply.headers.get("x-should-retry") == "false"
        assert refused == (retried and not kind.retryable)


async def test_problems_of_fields_have_openais_names(start_front: StartFront) -> None:
    names = {
        "options.max_output_token_count": "max_completion_tokens",
        "options.temperature": "temperature",
        "options.stop_sequences[3]": "stop[3]",
        "options.tools[1].parameters_json": "tools[1].function.parameters",
        "options.tools[1].name": "tools[1].function.name",
        "options.response_format.json_schema.schema_json": "response_format.json_schema.schema",
        "policy.max_cost_usd": "routemoa.policy.max_cost_usd",
        "messages[0].parts.parts[2].image": "messages[0].content[2].image",
    }
    violations = [FieldViolation(field=name, description="is odd") for name in names]
    front = await start_front(ScriptedRouter(failing(InvalidFieldError("", violations))))
    reply = await front.chat()
    assert [problem["param"] for problem in reply.error["problems"]] == list(names.values())
    assert reply.error["param"] == "max_completion_tokens"


async def test_a_budget_that_ends_with_its_window_is_worth_another_try_then(
    start_front: StartFront,
) -> None:
    error = BudgetExhaustedError("no calls are left", retry_delay_s=7.2)
    front = await start_front(ScriptedRouter(failing(error)))
    reply = await front.chat()
    assert (reply.status, reply.error["code"]) == (429, "rate_limit_exceeded")
    assert reply.headers["retry-after"] == "7"
    assert reply.headers["retry-after-ms"] == "7200"
    assert "x-should-retry" not in reply.headers


async def test_a_failure_after_models_were_called_is_not_tried_again(
    start_front: StartFront,
) -> None:
    front = await start_front(ScriptedRouter(failing(OverloadedError("full"), routing())))
    for stream in (False, True):
        reply = await front.chat(stream=stream)
        assert reply.status == 503
        assert reply.headers["x-should-retry"] == "false"


async def test_a_stream_that_breaks_after_its_first_text_ends_with_an_error(
    start_front: StartFront,
) -> None:
    error = GenerationFailedError("every model failed")
    front = await start_front(ScriptedRouter(failing(error, routing(), delta("Eig"))))
    reply = await front.chat(stream=True)
    assert reply.status == 200
    *_, text, last = reply.events
    assert text["choices"][0]["delta"]["content"] == "Eig"
    assert last["error"]["code"] == "generation_failed"
    assert "[DONE]" not in reply.events


async def test_a_router_that_is_not_there_is_worth_another_try(start_front: StartFront) -> None:
    front = await start_front(router_address=f"127.0.0.1:{free_port()}")
    reply = await front.chat()
    assert reply.status == 503
    assert "x-should-retry" not in reply.headers
    assert "127.0.0.1" not in reply.text
    assert (await front.get("/readyz")).status == 503
    assert (await front.get("/healthz")).status == 200


async def test_the_time_for_an_answer_comes_from_a_header_or_a_setting(
    start_front: StartFront,
) -> None:
    front = await start_front(default_timeout_s=30)
    await front.chat()
    assert 20 < front.router.time_remaining_s < 35
    await front.chat(headers={"x-routemoa-timeout-s": "70"})
    assert 60 < front.router.time_remaining_s < 75
    for wrong in ("soon", "0", "-1", "inf", "nan"):
        reply = await front.chat(headers={"x-routemoa-timeout-s": wrong})
        assert (reply.status, reply.error["param"]) == (400, "x-routemoa-timeout-s")


async def test_an_answer_that_takes_longer_times_out(start_front: StartFront) -> None:
    front = await start_front(ScriptedRouter(silence))
    for stream in (False, True):
        reply = await front.chat(stream=stream, headers={"x-routemoa-timeout-s": "0.2"})
        assert (reply.status, reply.error["code"]) == (504, "timeout")
        assert reply.headers["x-should-retry"] == "false"


async def test_an_answer_that_times_out_with_its_costs_is_not_tried_again(
    start_front: StartFront,
) -> None:
    error = AnswerTimedOutError("no model answered", {"cost_usd": "0.01"})
    front = await start_front(ScriptedRouter(failing(error, routing())))
    assert (await front.chat()).headers["x-should-retry"] == "false"


@pytest.mark.parametrize("name", ["authorization", "x-api-key"])
async def test_a_key_is_the_tenants_token(name: str, start_front: StartFront) -> None:
    front = await start_front()
    front.router.token = "sesame"
    value = "Bearer sesame" if name == "authorization" else "sesame"
    assert (await front.chat(headers={name: value})).status == 200
    assert front.router.metadata[-1]["authorization"] == "Bearer sesame"
    refused = await front.chat(headers={name: value.replace("sesame", "mustard")})
    assert (refused.status, refused.error["code"]) == (401, "invalid_api_key")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert (await front.chat()).status == 401


async def test_an_unknown_key_learns_no_names_that_a_known_one_has_looked_up(
    start_front: StartFront,
) -> None:
    front = await start_front()
    front.router.token = "sesame"
    known = {"authorization": "Bearer sesame"}
    assert (await front.get("/v1/models", known)).status == 200
    assert (await front.get("/v1/models", {"authorization": "Bearer mustard"})).status == 401
    assert (await front.get("/v1/models")).status == 401


async def test_names_are_looked_up_once_for_many_requests(front: Front) -> None:
    for _ in range(5):
        await front.chat(model="routemoa/cascade")
    assert front.router.lookups == 1


async def test_a_key_that_no_header_can_hold_is_refused(front: Front) -> None:
    reply = await front.chat(
        headers={"authorization": "Bearer s\N{LATIN SMALL LETTER E WITH ACUTE}same"}
    )
    assert reply.status == 401
    assert not front.router.requests


async def test_a_request_id_goes_to_the_router_and_comes_back(front: Front) -> None:
    reply = await front.chat(headers={"x-request-id": "mine-1"})
    assert reply.headers["x-request-id"] == reply.headers["request-id"] == "mine-1"
    assert front.router.metadata[-1]["x-request-id"] == "mine-1"
    new = await front.chat(headers={"x-request-id": "caf\N{LATIN SMALL LETTER E WITH ACUTE}"})
    assert len(new.headers["x-request-id"]) == 32


async def test_a_path_that_is_not_there_is_answered_in_json(front: Front) -> None:
    reply = await front.post("/v1/embeddings", json={})
    assert reply.status == 404
    assert "/v1/embeddings" in reply.error["message"]
    wrong = await front.get("/v1/chat/completions")
    assert wrong.status == 405
    assert "GET" in wrong.error["message"]
