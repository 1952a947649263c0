"""A pool file that changes while the router runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import yaml
from prometheus_client import REGISTRY

from routemoa.v1 import router_service_pb2 as pb
from services.simulator import Call, Pacing
from tests.integration.conftest import write_pool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.9, "b": 0.5}
TIMEOUT_S = 60.0


def script(call: Call) -> str:
    return call.assessed(f"{call.model} says eight", self_score=0.6)


SCRIPTS = {"a": script, "b": script}


async def listed(router: RouterBench) -> list[str]:
    response = await router.stub.ListModels(pb.ListModelsRequest(), timeout=TIMEOUT_S)
    return [model.model_id for model in response.models]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not await condition():  # noqa: ASYNC110  # the router is asked over the wire
            await asyncio.sleep(0.02)


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


async def test_a_changed_pool_is_used_at_once_while_calls_in_flight_keep_theirs(
    start_router: StartRouter, tmp_path: Path
) -> None:
    router = await start_router(
        SCRIPTS,
        SCORES,
        pacing=Pacing(time_to_first_token_s=1.0),
        pool_reload_interval_s=0.05,
    )
    asked = asyncio.create_task(router.ask(max_layer_count=1))
    await until(lambda: _was_called(router, "a"))
    write_pool(tmp_path, router.simulator.url, {"b": ""}, {}, None)

    async def is_loaded() -> bool:
        return await listed(router) == ["b"]

    await until(is_loaded)
    assert not asked.done()
    assert (await asked).answer.model_id == "a"
    assert metric("routemoa_router_pool_model_count") == 1
    result = await router.ask(max_layer_count=1)
    assert {entry.model_id for entry in result.usage} == {"b"}


async def _was_called(router: RouterBench, model_id: str) -> bool:
    return any(record.model == model_id for record in router.simulator.calls)


EMPTY_LABEL = (
    "models: [{id: a, endpoints: {dns: {name: a..b, port: 1}}, context_window_tokens: 4096, "
    "prompt_price_usd_per_million_tokens: 1, completion_price_usd_per_million_tokens: 1}]"
)


@pytest.mark.parametrize("content", ["models: [", "models: []", "", EMPTY_LABEL])
async def test_a_bad_pool_is_refused_and_the_old_one_serves_on_until_a_good_one_comes(
    start_router: StartRouter, tmp_path: Path, content: str
) -> None:
    router = await start_router(SCRIPTS, SCORES, pool_reload_interval_s=0.05)
    path = tmp_path / "pool.yaml"
    good = yaml.safe_load(path.read_text())
    path.write_text(content)

    async def is_refused() -> bool:
        return metric("routemoa_reload_refused_count", what="pool") == 1

    await until(is_refused)
    assert await listed(router) == ["a", "b"]
    assert (await router.ask()).answer.text
    good["models"].reverse()
    good["models"].pop()
    path.write_text(yaml.safe_dump(good))

    async def is_loaded() -> bool:
        return await listed(router) == ["b"]

    await until(is_loaded)
    assert metric("routemoa_reload_refused_count", what="pool") == 0
