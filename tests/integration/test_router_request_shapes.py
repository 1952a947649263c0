"""Models whose backends refuse the usual requests answer alone and in layers, with every strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from routemoa.v1 import router_service_pb2 as pb
from tests.wire.refusing_backend import refusing

if TYPE_CHECKING:
    from tests.integration.conftest import StartRouter

SCORES = {"a": 0.9, "b": 0.8, "c": 0.7}
GEMMA = ("system role not supported", "roles must alternate")
O_SERIES = (
    "unsupported parameter: max_tokens",
    "temperature must be 1",
    "roles must alternate",
)
MISTRAL_API = ("extra input: stream_options", "unsupported parameter: max_completion_tokens")
STRATEGIES = ("single", "cascade", "routemoa", "moa", "smoa", "self-moa")


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    ("refusals", "settings"),
    [
        (GEMMA, {"backend_model": "google/gemma-2-9b-it"}),
        (O_SERIES, {"backend_model": "o4-mini"}),
        (MISTRAL_API, {"family": "mistral-api"}),
    ],
    ids=["gemma", "o-series", "mistral-api"],
)
async def test_a_model_that_refuses_the_usual_requests_answers(
    start_router: StartRouter, strategy: str, refusals: tuple[str, ...], settings: dict[str, Any]
) -> None:
    async with refusing(*refusals) as backend:
        models = {model_id: {"url": backend.url, **settings} for model_id in SCORES}
        router = await start_router(dict.fromkeys(SCORES, ""), SCORES, models=models)
        result = await router.ask(
            before=[
                ("system", "Be brief."),
                ("assistant", "Hello, how can I help?"),
                ("user", "I have a question."),
                ("assistant", ""),  # stopped before its first word
            ],
            strategy=strategy,
            max_layer_model_count=3,
            timeout_s=30,
        )
    assert result.answer.text == router.shown == "Eight."
    assert {usage.status for usage in result.usage} == {pb.CALL_STATUS_OK}
    assert backend.refused == []
    for payload in backend.answered:
        text = "\n\n".join(message["content"] for message in payload["messages"])
        for said in ("Be brief.", "Hello, how can I help?", "I have a question.", "spider"):
            assert said in text


@pytest.mark.parametrize("strategy", ["single", "routemoa", "smoa"])
async def test_it_answers_beside_models_that_accept_them(
    start_router: StartRouter, strategy: str
) -> None:
    async with refusing(*GEMMA) as backend:
        gemma = {"url": backend.url, "family": "gemma"}
        scripts = {"a": "", "b": "Eight legs.", "c": "8"}
        router = await start_router(scripts, SCORES, models={"a": gemma})
        result = await router.ask(strategy=strategy, max_layer_model_count=3, timeout_s=30)
    assert pb.CALL_STATUS_OK in {u.status for u in result.usage if u.model_id == "a"}
    assert backend.refused == []
    assert "Eight." in {answer.text for layer in result.layers for answer in layer.answers} | {
        result.answer.text
    }
