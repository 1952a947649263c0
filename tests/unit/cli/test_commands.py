"""The commands against real servers with scripted answers, on the test's own event loop."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console

from routemoa.cli.ask import print_answer, show_answer
from routemoa.cli.models import show_models
from routemoa.cli.rank import show_decision, show_scores
from routemoa.errors import GenerationFailedError
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as router_pb2
from routemoa.v1.scorer_service_pb2 import RankModelsResponse
from tests.unit.cli.text import plain_console, shown
from tests.unit.client import samples
from tests.unit.client.recording import RecordingRouter, RecordingScorer, serving

QUERY = "What is the capital of Australia?"
POLICY = router_pb2.RoutingPolicy(max_layer_model_count=2, stopping_score=0.0)


async def test_ask_shows_layers_scores_answer_and_cost_in_order() -> None:
    router, console = RecordingRouter(events=samples.events()), plain_console()
    async with serving(router) as address:
        await show_answer(console, address, QUERY, POLICY, timeout_s=5.0)

    text = shown(console)
    parts = [
        "Layer 1  runs 2 of 12 models",
        "posterior",
        "Layer 2  runs 2 of 12 models",
        "rate limited",
        "Answer",
        "Canb\n",
        "The writer failed (interrupted)",
        "Canberra is the capital.\n",
        "answered by",
        "$0.003000",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


async def test_a_terminal_shows_what_is_awaited_and_gets_its_cursor_back() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=100)
    async with serving(RecordingRouter(events=samples.events())) as address:
        await show_answer(console, address, QUERY, POLICY, timeout_s=5.0)

    text = shown(console)
    assert "waiting for 2 of 12 models" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") > 0  # the cursor is back


async def test_ask_sends_the_policy_and_leaves_out_what_was_not_given() -> None:
    router = RecordingRouter(events=samples.events())
    async with serving(router) as address:
        await show_answer(plain_console(), address, QUERY, POLICY, timeout_s=5.0)

    (request,) = router.requests
    assert isinstance(request, router_pb2.StreamAnswerRequest)
    assert request.policy == POLICY
    assert request.policy.HasField("stopping_score")
    assert not request.policy.HasField("cost_weight")


async def test_a_stream_that_fails_at_once_raises_and_shows_nothing() -> None:
    failing = RecordingRouter(error=GenerationFailedError("all failed", {"model_ids": "a"}))
    console = plain_console()
    async with serving(failing) as address:
        with pytest.raises(GenerationFailedError, match="all failed"):
            await show_answer(console, address, QUERY, POLICY, timeout_s=5.0)

    assert shown(console) == ""


async def test_quiet_prints_the_answer_alone(capsys: pytest.CaptureFixture[str]) -> None:
    async with serving(RecordingRouter(events=samples.events())) as address:
        capsys.readouterr()
        await print_answer(address, QUERY, POLICY, timeout_s=5.0, as_json=False)
        lines = capsys.readouterr().out.splitlines()

    assert "Canberra is the capital." in lines
    assert all(line == "Canberra is the capital." or "[info" in line for line in lines)


async def test_models_lists_all_pages() -> None:
    pages = [
        router_pb2.ListModelsResponse(
            models=[model_pb2.Model(model_id="acme/large")], next_page_token="1"
        ),
        router_pb2.ListModelsResponse(models=[model_pb2.Model(model_id="acme/small")]),
    ]
    console = plain_console()
    async with serving(RecordingRouter(pages=pages)) as address:
        await show_models(console, address, timeout_s=5.0, as_json=False)

    assert [line.split()[0] for line in shown(console).splitlines()] == [
        "model",
        "acme/large",
        "acme/small",
    ]


async def test_rank_shows_scores_version_and_whether_the_query_was_cut() -> None:
    ranking = RankModelsResponse(
        model_scores=[model_pb2.ModelScore(model_id="acme/large", score=0.8)],
        truncated=True,
        scorer_version="minilm-1",
    )
    scorer, console = RecordingScorer(ranking), plain_console()
    async with serving(scorer) as address:
        await show_scores(console, address, QUERY, ["acme/large"], timeout_s=5.0, as_json=False)

    text = shown(console)
    assert "acme/large" in text
    assert "scorer minilm-1" in text
    assert "its middle was left out" in text


async def test_an_explained_ranking_says_of_every_model_why_it_runs_or_does_not() -> None:
    decision = router_pb2.RouteQueryResponse(
        ranked_models=[
            router_pb2.RankedModel(model_id="acme/large", explanation="0.81 likely; runs"),
            router_pb2.RankedModel(model_id="acme/small", explanation="0.40 likely; does not run"),
        ],
        uncertainty=0.61,
        fallbacks=[
            router_pb2.Fallback(
                dependency=router_pb2.DEPENDENCY_SCORER,
                reason=router_pb2.FALLBACK_REASON_UNCERTAIN,
                substitute=router_pb2.SUBSTITUTE_SAFE_MODELS,
            ),
            router_pb2.Fallback(
                dependency=router_pb2.DEPENDENCY_SCORER,
                reason=router_pb2.FALLBACK_REASON_UNKNOWN_MODELS,
                substitute=router_pb2.SUBSTITUTE_MEAN_PRIOR,
            ),
        ],
    )
    router, console = RecordingRouter(route=decision), plain_console()
    async with serving(router) as address:
        await show_decision(console, address, QUERY, ["acme/large"], timeout_s=5.0, as_json=False)

    assert [" ".join(line.split()) for line in shown(console).splitlines()] == [
        "model why",
        "1 acme/large 0.81 likely; runs",
        "2 acme/small 0.40 likely; does not run",
        "uncertainty 0.61",
        "the ranking was too uncertain; the pool's safe models ran",
        "the scorer does not know every model; others have a mean score",
    ]
    (request,) = router.requests
    assert isinstance(request, router_pb2.RouteQueryRequest)
    assert list(request.policy.model_ids) == ["acme/large"]


async def test_ask_explains_its_layers_with_the_option_explain() -> None:
    events = samples.events()
    events[0].routing.uncertainty = 0.25
    events[0].routing.ranked_models[11].explanation = "0.25 likely to answer well; does not run"
    console = plain_console()
    async with serving(RecordingRouter(events=events)) as address:
        await show_answer(console, address, QUERY, POLICY, timeout_s=5.0, explain=True)

    text = shown(console)
    assert "runs 2 of 12 models, uncertainty 0.25" in text
    assert "0.25 likely to answer well; does not run" in text


async def test_rank_as_json_is_the_response_of_the_contract(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scores = [model_pb2.ModelScore(model_id="acme/large", score=0.8)]
    scorer, console = RecordingScorer(RankModelsResponse(model_scores=scores)), plain_console()
    async with serving(scorer) as address:
        capsys.readouterr()
        await show_scores(console, address, QUERY, [], timeout_s=5.0, as_json=True)
        printed = capsys.readouterr().out

    content = json.loads(printed[printed.index("{\n") :])
    assert content["model_scores"] == [{"model_id": "acme/large", "score": 0.8}]
    assert shown(console) == ""
