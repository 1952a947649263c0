"""`POST /v1/feedback`: read, passed on, and refused in OpenAI's form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.errors import FeedbackLimitError
from routemoa.v1 import router_service_pb2 as pb

if TYPE_CHECKING:
    from tests.gateway.conftest import Front, StartFront

PATH = "/v1/feedback"


async def test_every_field_reaches_the_router_with_the_callers_key(front: Front) -> None:
    front.router.token = "s3cret"
    body = {
        "decision_id": "decision-1",
        "feedback_id": "f-1",
        "source": "operator",
        "score": 0,
        "preferred_model_id": "a",
        "better_answer": "Eight.",
    }
    reply = await front.post(PATH, json=body, headers={"authorization": "Bearer s3cret"})
    assert reply.status == 200
    assert reply.json == {
        "object": "feedback",
        "decision_id": "decision-1",
        "feedback_id": "f-1",
        "already_recorded": False,
    }
    (request,) = front.router.feedback
    assert request == pb.RecordFeedbackRequest(
        decision_id="decision-1",
        feedback_id="f-1",
        source=pb.FEEDBACK_SOURCE_OPERATOR,
        score=0,
        preferred_model_id="a",
        better_answer="Eight.",
    )
    assert request.HasField("score")
    assert (await front.post(PATH, json=body)).status == 401


async def test_without_an_id_and_a_source_it_is_new_feedback_of_a_user(front: Front) -> None:
    for _ in range(2):
        reply = await front.post(PATH, json={"decision_id": "d", "score": 1})
        assert reply.json["already_recorded"] is False
    first, second = front.router.feedback
    assert first.source == second.source == pb.FEEDBACK_SOURCE_USER
    assert first.feedback_id
    assert first.feedback_id != second.feedback_id


async def test_an_idempotency_key_is_the_feedback_id(front: Front) -> None:
    replies = [
        await front.post(
            PATH, json={"decision_id": "d", "score": 1}, headers={"idempotency-key": "k-1"}
        )
        for _ in range(2)
    ]
    assert [reply.json["feedback_id"] for reply in replies] == ["k-1", "k-1"]
    assert [reply.json["already_recorded"] for reply in replies] == [False, True]


async def test_all_problems_come_at_once_and_nothing_is_sent(front: Front) -> None:
    body = {"score": "good", "source": "somebody", "preferred_model_id": 1, "stars": 5}
    reply = await front.post(PATH, json=body)
    assert (reply.status, reply.error["code"]) == (400, "invalid_field")
    assert {problem["param"] for problem in reply.error["problems"]} == {
        "decision_id",
        "score",
        "source",
        "preferred_model_id",
        "stars",
    }
    assert front.router.feedback == []


async def test_a_limit_says_when_to_try_again(start_front: StartFront) -> None:
    front = await start_front()
    front.router.feedback_error = FeedbackLimitError("too much feedback", retry_delay_s=5)
    reply = await front.post(PATH, json={"decision_id": "d", "score": 1})
    assert (reply.status, reply.error["code"]) == (429, "rate_limit_exceeded")
    assert reply.headers["retry-after"] == "5"
    assert "x-should-retry" not in reply.headers


async def test_other_methods_and_bodies_are_refused(front: Front) -> None:
    assert (await front.get(PATH)).status == 405
    reply = await front.post(PATH, data="score=1")
    assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")
