"""The gateway before a real router, down to the calls to models."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from services.gateway.app import gateway
from services.gateway.config import GatewayServiceConfig
from services.simulator import Call, CallOutcome, FaultKind, Purpose
from tests.conftest import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6}
AT_ONCE_S = 3.0
"""The time that a busy machine may take; `tests.bench.bench_gateway` measures it."""


def speaker(call: Call) -> str:
    text = "A spider has eight legs."
    return text if call.purpose is Purpose.AGGREGATION else call.assessed(text, self_score=0.9)


@pytest.fixture
async def router(start_router: StartRouter) -> RouterBench:
    return await start_router(dict.fromkeys(SCORES, speaker), SCORES)


@asynccontextmanager
async def serving(router: RouterBench) -> AsyncIterator[str]:
    config = GatewayServiceConfig(
        listen_address=LOOPBACK, router_address=router.address, drain_timeout_s=1
    )
    async with gateway(config) as address:
        yield f"http://{address}/v1/chat/completions"


@pytest.fixture
async def url(router: RouterBench) -> AsyncIterator[str]:
    async with serving(router) as address:
        yield address


def body(**fields: Any) -> dict[str, Any]:
    question = {"role": "user", "content": "How many legs has a spider?"}
    return {"model": "routemoa", "messages": [question]} | fields


@pytest.mark.parametrize("model", ["routemoa", "routemoa/cascade", "routemoa/small-pool", "b"])
async def test_every_name_of_a_model_answers(url: str, model: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json=body(model=model)) as response:
            whole = await response.json()
        async with session.post(url, json=body(model=model, stream=True)) as response:
            text = await response.text()
    assert "eight legs" in whole["choices"][0]["message"]["content"]
    assert "eight legs" in text
    if model == "b":
        assert [call["model"] for call in whole["routemoa"]["calls"]] == ["b"]
    assert whole["usage"]["total_tokens"] > 0


async def test_instructions_may_come_at_any_point_of_a_chat(start_router: StartRouter) -> None:
    calls: list[Call] = []

    def listener(call: Call) -> str:
        calls.append(call)
        return speaker(call)

    router = await start_router({"b": listener}, {"b": 0.7})
    turns = [
        *(("system", "Be brief."), ("developer", "Be kind."), ("user", "Hi")),
        *(("assistant", "Hello"), ("developer", "In French."), ("user", "Legs?")),
        ("system", "One word."),
    ]
    messages = [{"role": role, "content": text} for role, text in turns]
    async with (
        serving(router) as url,
        aiohttp.ClientSession() as session,
        session.post(url, json=body(messages=messages)) as response,
    ):
        assert response.status == 200, await response.text()
    (first, *told), *_ = [[(m.role, m.content) for m in call.messages] for call in calls]
    assert first[0] == "system"
    assert first[1].startswith("Be brief.\n\nBe kind.")
    assert told == [
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "In French.\n\nLegs?\n\nOne word."),
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_away_cancels_every_call_to_a_model(
    url: str, router: RouterBench, stream: bool
) -> None:
    for model in SCORES:
        router.simulator.set_fault(model, FaultKind.STALL)
    async with aiohttp.ClientSession() as session:
        fields = {"policy": {"max_layer_model_count": 3, "max_score_gap": 1}}
        asking = asyncio.create_task(session.post(url, json=body(stream=stream, routemoa=fields)))
        await router.simulator.wait_for_calls(lambda calls: len(calls) == len(SCORES))
        gone_s = time.monotonic()
        asking.cancel()
        for model in SCORES:
            await router.simulator.wait_for_outcome(model, CallOutcome.CANCELLED)
    assert time.monotonic() - gone_s < AT_ONCE_S


async def test_a_pool_in_which_every_model_fails_is_an_error_of_the_backend(
    url: str, router: RouterBench
) -> None:
    for model in SCORES:
        router.simulator.set_fault(model, FaultKind.ERROR_500)
    async with aiohttp.ClientSession() as session:
        for stream in (False, True):
            async with session.post(url, json=body(stream=stream)) as response:
                error = json.loads(await response.text())["error"]
                assert (response.status, error["code"]) == (502, "generation_failed")
                assert response.headers["x-should-retry"] == "false"


async def test_a_policy_that_is_out_of_range_is_the_callers_mistake(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        fields = {"policy": {"max_layer_count": 99}}
        async with session.post(url, json=body(routemoa=fields)) as response:
            assert response.status == 400
            assert (await response.json())["error"]["param"] == "routemoa.policy.max_layer_count"
