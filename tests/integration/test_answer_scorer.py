"""The answer scorer in the judge, and the router that sends it texts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from routemoa.v1.judge_service_pb2 import AssessAnswersRequest, AssessAnswersResponse
from routemoa.v1.judge_service_pb2_grpc import JudgeServiceStub
from routemoa.v1.model_pb2 import Answer, Assessment, ModelScore
from scorer.answers.answer_artifact import WEIGHTS_FILE
from services.judge import answer_scorer
from services.judge.app import judge_app
from services.judge.config import JudgeServiceConfig
from services.rpc.server import StartUpError
from tests.conftest import LOOPBACK
from tests.integration.hanging import HangingJudge, hanging_judge_app
from tests.unit.scorer.answers.handmade import HEDGED, PLAIN, handmade, save

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Connect, Serve
    from tests.integration.conftest import StartRouter

START_S = 60


def request(query: str = "What is 4 + 4?", **texts: str) -> AssessAnswersRequest:
    return AssessAnswersRequest(
        answers=[Answer(model_id=model_id, text=text) for model_id, text in texts.items()],
        prior_scores=[ModelScore(model_id=model_id, score=0.6) for model_id in texts],
        query=query,
    )


async def start_judge(serve: Serve, path: Path) -> str:
    config = JudgeServiceConfig(listen_address=LOOPBACK, answer_artifact=path)
    return await serve(config, judge_app(config))


def by_id(response: AssessAnswersResponse) -> dict[str, Assessment]:
    return {item.model_id: item for item in response.assessments}


async def test_a_text_corrects_the_prior_score_and_what_is_absent_changes_nothing(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    save(tmp_path, handmade())
    judge = JudgeServiceStub(connect(await start_judge(serve, tmp_path)))
    response = await judge.AssessAnswers(request(a=HEDGED, b=PLAIN, c=""), timeout=60)
    assert response.reads_texts
    found = by_id(response)
    assert found["a"].answer_score < 0.3
    assert found["a"].answer_score < found["a"].posterior_score < 0.5
    assert found["b"].answer_score == pytest.approx(0.6)
    assert not found["c"].HasField("answer_score")
    assert found["c"].posterior_score == pytest.approx(0.6)
    without = by_id(await judge.AssessAnswers(request("", a=HEDGED), timeout=60))
    assert not without["a"].HasField("answer_score")
    assert without["a"].posterior_score == pytest.approx(0.6)


async def test_the_text_of_a_model_that_the_scorer_does_not_know_weighs_nothing(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    save(tmp_path, handmade())
    judge = JudgeServiceStub(connect(await start_judge(serve, tmp_path)))
    response = await judge.AssessAnswers(request(a=HEDGED, x=HEDGED), timeout=60)
    assert response.unweighed_model_ids == ["x"]
    assert by_id(response)["x"].HasField("answer_score")
    assert by_id(response)["x"].posterior_score == pytest.approx(0.6)


async def test_a_judge_without_an_artifact_says_that_it_reads_no_text(
    serve: Serve, connect: Connect
) -> None:
    config = JudgeServiceConfig(listen_address=LOOPBACK, answer_artifact=None)
    judge = JudgeServiceStub(connect(await serve(config, judge_app(config))))
    response = await judge.AssessAnswers(request(a=HEDGED), timeout=60)
    assert not response.reads_texts
    assert by_id(response)["a"].posterior_score == pytest.approx(0.6)


async def test_a_changed_artifact_is_used_and_a_damaged_one_is_not(
    serve: Serve, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_scorer, "RELOAD_INTERVAL_S", 0.05)
    save(tmp_path, handmade(0.0))
    judge = JudgeServiceStub(connect(await start_judge(serve, tmp_path)))

    async def score() -> float:
        response = await judge.AssessAnswers(request(a=HEDGED), timeout=60)
        return by_id(response)["a"].answer_score

    assert await score() == pytest.approx(0.6)
    save(tmp_path, handmade(2.0))
    async with asyncio.timeout(START_S):
        while await score() > 0.3:  # noqa: ASYNC110 - the change is seen from outside alone
            await asyncio.sleep(0.05)
    (tmp_path / WEIGHTS_FILE).write_bytes(b"damaged")
    for _ in range(5):
        await asyncio.sleep(0.05)
        assert await score() < 0.3


async def test_an_unusable_artifact_stops_the_start(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(StartUpError) as caught:
        await start_judge(serve, tmp_path)
    assert any("manifest.json" in problem for problem in caught.value.problems)


async def test_the_router_reports_what_the_judge_reads_from_the_first_answer_on(
    serve: Serve, start_router: StartRouter, tmp_path: Path
) -> None:
    save(tmp_path / "artifact", handmade(models=("a", "b", "c")))
    address = await start_judge(serve, tmp_path / "artifact")
    scripts = {m: lambda call: call.assessed(HEDGED) for m in ("a", "b", "c")}
    router = await start_router(scripts, {"a": 0.6, "b": 0.55, "c": 0.5}, judge=address)
    for _ in range(2):
        result = await router.ask(max_layer_count=1)
        found = result.layers[0].assessments
        assert found
        assert all(item.HasField("answer_score") for item in found)
        assert all(item.posterior_score < 0.5 for item in found)


class RecordingJudge(HangingJudge):
    """Keeps the requests, and reads no text."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[AssessAnswersRequest] = []

    async def AssessAnswers(self, request: Any, context: Any) -> Any:
        self.requests.append(request)
        return AssessAnswersResponse(
            assessments=[
                Assessment(model_id=prior.model_id, posterior_score=prior.score)
                for prior in request.prior_scores
            ]
        )


async def test_a_judge_that_reads_no_text_gets_none(
    serve: Serve, start_router: StartRouter
) -> None:
    judge = RecordingJudge()
    config = JudgeServiceConfig(listen_address=LOOPBACK)
    address = await serve(config, hanging_judge_app(judge))
    scripts = {m: lambda call: call.assessed("secret") for m in ("a", "b")}
    router = await start_router(scripts, {"a": 0.6, "b": 0.55}, judge=address)
    await router.ask(max_layer_count=1)
    assert judge.requests
    assert not any(each.query for each in judge.requests)
    assert not any(a.text for each in judge.requests for a in each.answers)
