"""The router over a backend of each kind: what its transcript says is what a caller gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routemoa.v1 import router_service_pb2 as pb
from services.router.pool.backend import Backend
from tests.wire.playback import Response, playing
from tests.wire.transcript import FOLDER, load

if TYPE_CHECKING:
    from tests.integration.conftest import RouterBench, StartRouter


async def answered(
    start_router: StartRouter, backend: Backend, name: str
) -> tuple[RouterBench, pb.GenerateAnswerResponse]:
    transcript = load(FOLDER / backend / f"{name}.txt")
    response = Response(body=transcript.body, headers=transcript.head.headers)
    async with playing(response) as playback:
        model = {"backend": backend.value, "url": playback.url, **transcript.head.model}
        router = await start_router({"a": ""}, {"a": 0.9}, models={"a": model})
        return router, await router.ask()


@pytest.mark.parametrize("backend", list(Backend))
async def test_a_backend_of_each_kind_answers(start_router: StartRouter, backend: Backend) -> None:
    transcript = load(FOLDER / backend / "plain.txt")
    router, result = await answered(start_router, backend, "plain")
    assert router.shown == result.answer.text == transcript.head.text
    counts, (usage,) = transcript.head.usage, result.usage
    assert counts is not None
    assert usage.status == pb.CALL_STATUS_OK
    assert usage.prompt_token_count == counts.prompt_tokens
    assert usage.completion_token_count == counts.completion_tokens
    assert not usage.estimated
    if counts.cost_usd is not None:
        assert usage.cost_usd == counts.cost_usd


@pytest.mark.parametrize(
    ("backend", "name"),
    [
        (Backend.VLLM, "reasoning"),
        (Backend.VLLM, "think-in-content"),
        (Backend.VLLM, "think-opened-by-template"),
        (Backend.OLLAMA, "thinking"),
        (Backend.OPENROUTER, "reasoning"),
    ],
)
async def test_reasoning_is_never_shown(
    start_router: StartRouter, backend: Backend, name: str
) -> None:
    router, result = await answered(start_router, backend, name)
    assert router.shown == result.answer.text == "Eight."
