"""A conversation keeps its model through a running router, and a repeated call is answered once."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import yaml

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.router.budgets.config import BudgetSettings
from tests.bench.prefix_cache import running_replica
from tests.redis_server import running_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.simulator import Call
    from tests.integration.conftest import RouterBench, StartRouter

CACHED_PRICE = "cached_prompt_price_usd_per_million_tokens"
TOKEN = "a token of the test"
LONG = "word " * 2_000


@pytest.fixture
async def caching_router(start_router: StartRouter) -> AsyncIterator[RouterBench]:
    """A router over models `a` and `b`, each on a backend that caches prompts."""
    async with AsyncExitStack() as stack:
        models = {
            name: {
                "url": await stack.enter_async_context(running_replica()),
                CACHED_PRICE: 0.1,
                "expected_reply_tokens": 30,
            }
            for name in "ab"
        }
        scripts = dict.fromkeys("ab", "unused: both have backends of their own")
        yield await start_router(scripts, {"a": 0.8, "b": 0.7}, models=models)


async def turn(bench: RouterBench, history: list[tuple[str, str]]) -> pb.GenerateAnswerResponse:
    """Has the next turn of a chat answered, and adds it to the history."""
    text = f"{LONG} turn {len(history)}" if not history else f"turn {len(history)}"
    result = await bench.ask(text, before=history, strategy="single", timeout_s=60)
    history += [("user", text), ("assistant", result.answer.text)]
    return result


def reason(bench: RouterBench, model_id: str) -> str:
    routing = next(event.routing for event in bench.events if event.HasField("routing"))
    ranked = next(item for item in routing.ranked_models if item.model_id == model_id)
    return pb.SelectionReason.Name(ranked.selection_reason)


async def test_a_chat_stays_with_its_model_once_its_cache_is_known_and_new_chats_do_not(
    caching_router: RouterBench,
) -> None:
    bench, history = caching_router, []  # type: ignore[var-annotated]
    for _ in range(2):
        assert (await turn(bench, history)).answer.model_id == "a"
    bench.scorer.scores = {"a": 0.70, "b": 0.74}
    kept = await turn(bench, history)
    assert kept.answer.model_id == "a"
    assert reason(bench, "a") == "SELECTION_REASON_SESSION"
    assert kept.usage[0].cached_prompt_token_count > 1_900
    assert (await turn(bench, [])).answer.model_id == "b"
    bench.scorer.scores = {"a": 0.3, "b": 0.9}
    assert (await turn(bench, history)).answer.model_id == "b"
    assert reason(bench, "b") == "SELECTION_REASON_RANK"


async def test_a_changed_history_has_no_model(caching_router: RouterBench) -> None:
    bench, history = caching_router, []  # type: ignore[var-annotated]
    for _ in range(2):
        await turn(bench, history)
    bench.scorer.scores = {"a": 0.70, "b": 0.74}
    history[0] = ("user", f"another {LONG}")
    assert (await turn(bench, history)).answer.model_id == "b"


def request_of(text: str, request_id: str) -> Any:
    fields: dict[str, Any] = {"request_id": request_id}
    return pb.GenerateAnswerRequest(
        messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content=text)],
        policy=pb.RoutingPolicy(strategy="single"),
        **fields,
    )


def stream_of(request: Any) -> pb.StreamAnswerRequest:
    return pb.StreamAnswerRequest.FromString(request.SerializeToString())


async def numbered(start_router: StartRouter, **settings: Any) -> RouterBench:
    """Returns a router whose model numbers its answers."""
    numbers = itertools.count(1)

    def answer(call: Call) -> str:
        return f"answer {next(numbers)} to {call.query}"

    return await start_router({"a": answer}, {"a": 0.8}, **settings)


async def test_a_repeated_call_costs_nothing_and_gets_the_same_answer(
    start_router: StartRouter,
) -> None:
    bench = await numbered(start_router)
    first = await bench.stub.GenerateAnswer(request_of("One?", "r1"), timeout=60)
    again = await bench.stub.GenerateAnswer(request_of("One?", "r1"), timeout=60)
    other = await bench.stub.GenerateAnswer(request_of("One?", "r2"), timeout=60)
    assert again == first
    assert first.answer.text == "answer 1 to One?"
    assert other.answer.text == "answer 2 to One?"


async def test_streams_under_one_id_share_one_call(start_router: StartRouter) -> None:
    bench = await numbered(start_router)
    request = stream_of(request_of("One?", "r1"))

    async def whole() -> list[pb.StreamAnswerResponse]:
        return [event async for event in bench.stub.StreamAnswer(request, timeout=60)]

    streams = await asyncio.gather(*(whole() for _ in range(5)))
    streams.append(await whole())
    for events in streams:
        assert events[0].HasField("routing")
        assert "".join(event.delta.text for event in events) == "answer 1 to One?"
        assert events[-1] == streams[0][-1]
    assert sum(event.HasField("delta") for event in streams[-1]) == 1


async def test_routers_that_share_redis_share_the_answers_of_request_ids(
    start_router: StartRouter, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as server:
        url_file = tmp_path / "redis-url"
        url_file.write_text(server.url)
        tenants = tmp_path / "tenants.yaml"
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        tenants.write_text(yaml.safe_dump({"tenants": [{"id": "t", "token_sha256": [digest]}]}))
        settings = {
            "tenants_file": tenants,
            "budget": BudgetSettings(redis_url_file=url_file),
        }
        one = await numbered(start_router, **settings)
        other = await numbered(start_router, **settings)
        token = (("authorization", f"Bearer {TOKEN}"),)
        await one.stub.GenerateAnswer(request_of("One?", "1st"), timeout=60, metadata=token)
        for number in range(100):  # on a busy machine, Redis may be too slow for some of them
            request = request_of("One?", f"r{number}")
            answered, again = [
                await router.stub.GenerateAnswer(request, timeout=60, metadata=token)
                for router in (one, other)
            ]
            if again == answered:
                return
        pytest.fail("the other router found none of the answers")


async def test_another_request_under_the_same_id_is_refused_by_name(
    start_router: StartRouter,
) -> None:
    bench = await numbered(start_router)
    await bench.stub.GenerateAnswer(request_of("One?", "r1"), timeout=60)
    for request in (request_of("Two?", "r1"), request_of("One?", "two words")):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await bench.stub.GenerateAnswer(request, timeout=60)
        assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "request_id" in (raised.value.details() or "")
