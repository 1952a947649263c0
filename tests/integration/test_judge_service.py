"""The judge over the wire."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import grpc.aio
import pytest

from routemoa.errors import InvalidFieldError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1.judge_service_pb2 import AssessAnswersRequest
from routemoa.v1.model_pb2 import (
    FINISH_REASON_CONTENT_FILTER,
    FINISH_REASON_LENGTH,
    FINISH_REASON_STOP,
    Answer,
    Grade,
    ModelScore,
)
from scorer.belief.curve import log_odds
from services.judge.belief import MOST_PER_GRADE

if TYPE_CHECKING:
    from routemoa.v1.judge_service_pb2_grpc import JudgeServiceStub


async def invalid_fields(judge: JudgeServiceStub, request: AssessAnswersRequest) -> list[str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await judge.AssessAnswers(request, timeout=60)
    error = from_rpc_error(caught.value)
    assert isinstance(error, InvalidFieldError)
    return [violation.field for violation in error.violations]


def priors(**scores: float) -> list[ModelScore]:
    return [ModelScore(model_id=model_id, score=score) for model_id, score in scores.items()]


async def test_after_two_layers_prior_self_and_cross_scores_are_fused(
    judge: JudgeServiceStub,
) -> None:
    request = AssessAnswersRequest(
        answers=[
            Answer(model_id="a", self_score=0.9, grades=[Grade(model_id="b", score=1.0)]),
            Answer(model_id="c", grades=[Grade(model_id="b", score=0.8)]),
        ],
        previous_answers=[Answer(model_id="a", self_score=0.7), Answer(model_id="b")],
        prior_scores=priors(a=0.5, b=0.4, c=0.7, unrun=1.0),
    )
    response = await judge.AssessAnswers(request, timeout=60)
    assert [item.model_id for item in response.assessments] == ["c", "b", "a"]
    c, b, a = response.assessments
    assert c.posterior_score == 0.7
    assert not c.HasField("self_score")
    assert not c.HasField("cross_score")
    assert math.isclose(b.cross_score, 0.9)
    # Two good grades of a wrong-looking answer, each bounded.
    assert math.isclose(log_odds(b.posterior_score), log_odds(0.4) + 2 * MOST_PER_GRADE)
    assert math.isclose(a.self_score, 0.8)
    assert a.posterior_score == 0.5  # its own word says nothing
    assert response.ignored_score_count == 0


async def test_equal_posteriors_are_ordered_by_model_id(judge: JudgeServiceStub) -> None:
    request = AssessAnswersRequest(
        answers=[Answer(model_id="b"), Answer(model_id="a")], prior_scores=priors(b=0.5, a=0.5)
    )
    response = await judge.AssessAnswers(request, timeout=60)
    assert [item.model_id for item in response.assessments] == ["a", "b"]


@pytest.mark.parametrize("score", [95.0, -0.1, math.nan, math.inf])
async def test_scores_that_models_made_up_are_ignored_and_counted(
    judge: JudgeServiceStub, score: float
) -> None:
    request = AssessAnswersRequest(
        answers=[
            Answer(model_id="a", self_score=score, grades=[Grade(model_id="b", score=score)]),
            Answer(model_id="b", grades=[Grade(model_id="b", score=1), Grade(model_id="z")]),
        ],
        previous_answers=[Answer(model_id="a"), Answer(model_id="b")],
        prior_scores=priors(a=0.5, b=0.4),
    )
    response = await judge.AssessAnswers(request, timeout=60)
    assert [item.posterior_score for item in response.assessments] == [0.5, 0.4]
    assert response.ignored_score_count == 4


async def test_every_violation_of_a_request_is_named(judge: JudgeServiceStub) -> None:
    request = AssessAnswersRequest(
        answers=[Answer(model_id="a"), Answer(model_id="a"), Answer()],
        previous_answers=[Answer(model_id="b")],
        prior_scores=[
            ModelScore(model_id="a", score=math.nan),
            ModelScore(model_id="c", score=1.1),
            ModelScore(model_id="c", score=0.1),
        ],
    )
    assert await invalid_fields(judge, request) == [
        "prior_scores[0].score",
        "prior_scores[1].score",
        "prior_scores[2].model_id",
        "answers[1].model_id",
        "answers[2].model_id",
        "prior_scores",
    ]


async def test_no_answers_and_too_many_are_refused(judge: JudgeServiceStub) -> None:
    assert await invalid_fields(judge, AssessAnswersRequest()) == ["answers"]
    ids = [f"model-{number}" for number in range(65)]
    request = AssessAnswersRequest(
        answers=[Answer(model_id=model_id) for model_id in ids],
        prior_scores=[ModelScore(model_id=model_id) for model_id in ids],
    )
    assert await invalid_fields(judge, request) == ["answers"]


async def test_an_error_with_more_violations_than_fit_still_arrives(
    judge: JudgeServiceStub,
) -> None:
    request = AssessAnswersRequest(
        answers=[Answer(model_id="ü" * 10_000)],
        prior_scores=[ModelScore(model_id=f"m{number}", score=2) for number in range(1_000)],
    )
    fields = await invalid_fields(judge, request)
    assert fields[0] == "prior_scores[0].score"
    assert 64 <= len(fields) < 1_000


async def test_an_answer_that_was_cut_off_ranks_below_complete_ones(
    judge: JudgeServiceStub,
) -> None:
    request = AssessAnswersRequest(
        answers=[
            Answer(model_id="a", finish_reason=FINISH_REASON_LENGTH),
            Answer(model_id="b", finish_reason=FINISH_REASON_STOP),
            Answer(model_id="c", finish_reason=FINISH_REASON_CONTENT_FILTER),
            Answer(model_id="d"),
        ],
        previous_answers=[Answer(model_id="d", finish_reason=FINISH_REASON_LENGTH)],
        prior_scores=priors(a=0.9, b=0.6, c=0.8, d=0.5),
    )
    response = await judge.AssessAnswers(request, timeout=60)
    found = {item.model_id: item.posterior_score for item in response.assessments}
    assert list(found) == ["b", "d", "a", "c"]
    assert found == pytest.approx({"a": 0.45, "b": 0.6, "c": 0.4, "d": 0.5})
