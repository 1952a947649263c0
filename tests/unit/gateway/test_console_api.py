"""The API behind the console's page, without a browser."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.gateway.api import ApiError, ErrorKind, Problem
from services.gateway.console.answer_groups import answer_groups
from services.gateway.console.console_api import STATUSES, ConsoleApi
from services.gateway.console.event_messages import EventMessages
from services.gateway.console.pool_view import pool_view
from services.gateway.console.replica_health import ReplicaHealth, health_in, replica_health
from tests.ports import free_port

METRICS = """\
# HELP routemoa_router_replicas_count Replicas of a model that are known.
# TYPE routemoa_router_replicas_count gauge
routemoa_router_replicas_count{model_id="a"} 3.0
# TYPE routemoa_router_replicas_ejected_count gauge
routemoa_router_replicas_ejected_count{model_id="a"} 1.0
# TYPE routemoa_router_model_calls_total counter
routemoa_router_model_calls_total{model_id="a",status="ok"} 7.0
routemoa_router_model_calls_total{model_id="b",status="timeout"} 2.0
"""


def groups(*texts: str) -> list[tuple[str, str | None]]:
    answers = [model_pb2.Answer(model_id=str(n), text=text) for n, text in enumerate(texts)]
    return [("".join(g["modelIds"]), g["finalAnswer"]) for g in answer_groups(answers)]


def read(body: dict[str, Any]) -> pb.StreamAnswerRequest:
    return ConsoleApi().read(body, {}).request


def data(content: bytes) -> dict[str, Any]:
    assert content.startswith(b"data: ")
    assert content.endswith(b"\n\n")
    assert content.count(b"\n") == 2
    return dict(json.loads(content.removeprefix(b"data: ")))


def test_answers_agree_by_their_final_answers_or_their_words() -> None:
    assert groups("The answer is (B)", "(C)", "So the answer is: B") == [("02", "B"), ("1", "C")]
    assert groups("Eight legs, I think.", "eight  LEGS, i think.", "Well, many.") == [
        ("01", None),
        ("2", None),
    ]
    assert groups("", "") == [("0", None), ("1", None)]
    assert groups() == []


def test_calls_to_tools_agree_whatever_the_order_of_their_arguments() -> None:
    def caller(model_id: str, arguments: str) -> model_pb2.Answer:
        call = model_pb2.ToolCall(name="weather", arguments_json=arguments)
        return model_pb2.Answer(model_id=model_id, tool_calls=[call])

    found = answer_groups(
        [
            caller("a", '{"town": "Ulm", "day": 1}'),
            caller("b", '{"day":1,"town":"Ulm"}'),
            caller("c", '{"town": "Bonn"}'),
            caller("d", '{"town": '),
            caller("e", "[" * 100_000),
        ]
    )
    assert [group["modelIds"] for group in found] == [["a", "b"], ["c"], ["d"], ["e"]]
    assert all(len(group["finalAnswer"]) <= 80 for group in found)


def test_long_answers_are_not_compared_by_a_final_answer() -> None:
    assert groups("word " * 5_000 + "The answer is (B)") == [("0", None)]


def test_a_question_is_a_request_of_the_contract_in_json() -> None:
    body = {
        "messages": [{"role": "ROLE_USER", "content": "Why?"}],
        "policy": {"strategy": "cascade", "maxCostUsd": 0.5},
        "aFieldOfANewerContract": 1,
    }
    request = read(body)
    assert request.messages[0].content == "Why?"
    assert (request.policy.strategy, request.policy.max_cost_usd) == ("cascade", 0.5)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": "no list"},
        {"messages": [{"role": "ROLE_USER", "content": {"a": 1}}]},
        {"messages": [{"role": "ROLE_USER", "content": "\ud800"}]},
        {"policy": {"maxCostUsd": "much"}},
        {"policy": {"maxLayerCount": 1.5}},
        {"policy": {"maxLayerCount": 10**12}},
        {"policy": ["strategy"]},
    ],
)
def test_a_body_that_is_no_request_is_the_callers_mistake(body: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as raised:
        read(body)
    assert raised.value.kind is ErrorKind.INVALID_REQUEST
    assert "much" not in raised.value.message
    assert len(raised.value.problems[0].description) <= 300


def test_every_event_of_the_contract_is_written_under_its_name() -> None:
    names = [field.name for field in pb.StreamAnswerResponse.DESCRIPTOR.fields]
    writer = EventMessages()
    for name in names:
        event = pb.StreamAnswerResponse()
        getattr(event, name).SetInParent()
        assert name in data(writer.event(event))
    assert writer.event(pb.StreamAnswerResponse()) == b""
    assert writer.begin() == b""
    assert writer.keep_alive() == b":\n\n"


def test_text_of_models_stays_on_the_line_of_its_event() -> None:
    text = "a\r\n\n\ndata: b\u2028\u0000 😀"
    event = pb.StreamAnswerResponse(delta=pb.AnswerDelta(text=text))
    assert data(EventMessages().event(event)) == {"delta": {"text": text}}


def test_an_error_has_a_status_and_everything_that_is_known() -> None:
    assert STATUSES.keys() == set(ErrorKind)
    error = ApiError(
        ErrorKind.RATE_LIMITED,
        "too many",
        problems=(Problem(field="policy", description="is too dear"),),
        code="ERROR_REASON_X",
        retry_after_s=2.5,
        retryable=True,
    )
    status, body = ConsoleApi().error(error, "request-1")
    assert status == 429
    assert body == data(EventMessages().fail(error, "request-1"))
    assert body["error"]["problems"] == [{"field": "policy", "description": "is too dear"}]
    assert body["error"]["requestId"] == "request-1"
    assert body["error"]["retryAfterS"] == 2.5


def test_the_health_of_replicas_is_read_from_the_routers_metrics() -> None:
    found = health_in(METRICS)
    assert found["a"] == ReplicaHealth(replicas=3, ejected=1, calls={"ok": 7})
    assert found["b"].calls == {"timeout": 2}


def test_the_pool_has_the_health_of_the_callers_models_alone() -> None:
    models = [model_pb2.Model(model_id="a")]
    view = pool_view(models, pb.GetRouterInfoResponse(strategies=["single"]), health_in(METRICS))
    assert view["models"] == [{"modelId": "a"}]
    assert view["info"] == {"strategies": ["single"]}
    assert view["health"].keys() == {"a"}


async def test_metrics_that_cannot_be_read_are_no_failure() -> None:
    assert await replica_health(f"http://127.0.0.1:{free_port()}/metrics") == {}
