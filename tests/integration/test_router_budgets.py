"""Tenants and their budgets, over the wire: a router, real Redis, simulated models."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
import yaml
from prometheus_client import REGISTRY

from routemoa.errors import BudgetExhaustedError, BudgetStoreUnavailableError, UnknownTenantError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.router.app import router_app
from services.router.budgets.config import BudgetSettings
from services.router.budgets.redis_store import open_redis_store
from services.router.config import RouterServiceConfig
from services.router.tuning import Tuning
from services.router.types.amounts import NOTHING, Amount, Window
from services.rpc.breaker import Breaker
from services.rpc.server import StartUpError
from services.simulator import Call, Pacing, Purpose
from tests.ports import free_port
from tests.redis_server import RedisServer, running_redis
from tests.stable_name import stable_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from services.router.budgets.store import BudgetStore
    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6}
TOKEN = "the-token-of-research"
WHOLE = (("authorization", f"Bearer {TOKEN}"),)
TIMEOUT_S = 5.0
"""Redis may be slow to answer on a machine that runs many tests."""


def script(call: Call) -> str:
    if call.purpose is Purpose.AGGREGATION:
        return f"merged by {call.model}"
    return call.assessed(f"{call.model} says eight", self_score=0.6)


SCRIPTS = dict.fromkeys(SCORES, script)


def tenants_file(folder: Path, *, tenants: str = "research", **limits: Any) -> Path:
    path = folder / "tenants.yaml"
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    content = {"tenants": [{"id": tenants, "token_sha256": [digest], **limits}]}
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as server:
        yield server


@pytest.fixture
def redis_url_file(redis_server: RedisServer, tmp_path: Path) -> Path:
    path = tmp_path / "redis-url"
    path.write_text(redis_server.url + "\n")
    return path


@pytest.fixture
async def store(redis_server: RedisServer) -> AsyncIterator[BudgetStore]:
    """The counts, seen from beside the router."""
    async with open_redis_store(redis_server.url, timeout_s=5, breaker=Breaker()) as store:
        yield store


StartBudgeted = Callable[..., Awaitable["RouterBench"]]


@pytest.fixture
def start_budgeted(
    start_router: StartRouter, redis_url_file: Path, tmp_path: Path
) -> StartBudgeted:
    """Starts a router over Redis for a tenant with limits, whose token it is sent."""

    async def start(
        limits: dict[str, Any], *, timeout_s: float = TIMEOUT_S, **settings: Any
    ) -> RouterBench:
        router = await start_router(
            SCRIPTS,
            SCORES,
            tenants_file=tenants_file(tmp_path, **limits),
            budget=BudgetSettings(redis_url_file=redis_url_file, timeout_s=timeout_s),
            tuning=Tuning(breaker_open_s=0.05),
            **settings,
        )
        router.metadata = WHOLE
        return router

    return start


def write_url(path: Path, url: str) -> None:
    path.write_text(url)


async def is_settled(store: BudgetStore) -> bool:
    usage = await store.usage("research")
    return (usage.held, usage.answers) == (NOTHING, 0)


async def answers(router: RouterBench) -> bool:
    try:
        return bool((await router.ask()).answer.text)
    except grpc.aio.AioRpcError:
        return False


async def failure(asked: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await asked
    return from_rpc_error(raised.value)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110  # the other side is asked
            await asyncio.sleep(0.01)


async def test_whoever_is_no_tenant_is_refused_by_every_method_before_any_work(
    start_router: StartRouter, tmp_path: Path
) -> None:
    router = await start_router(SCRIPTS, SCORES, tenants_file=tenants_file(tmp_path))
    messages = [model_pb2.Message(role=model_pb2.ROLE_USER, content="How many legs?")]
    stub = router.stub
    for metadata in (
        (),
        (("authorization", "Bearer other"),),
        (("x-routemoa-tenant", "research"),),
    ):
        kwargs: Any = {"timeout": 10, "metadata": metadata}
        router.metadata = metadata
        for asked in (
            stub.ListModels(pb.ListModelsRequest(), **kwargs),
            stub.RouteQuery(pb.RouteQueryRequest(messages=messages), **kwargs),
            stub.GenerateAnswer(pb.GenerateAnswerRequest(messages=messages), **kwargs),
            router.ask(),
        ):
            assert isinstance(await failure(asked), UnknownTenantError)
    assert not router.scorer.queries
    assert not router.simulator.calls
    router.metadata = WHOLE
    assert (await router.ask()).answer.text


async def test_the_counts_are_the_ledger(store: BudgetStore, start_budgeted: StartBudgeted) -> None:
    router = await start_budgeted({"per_day": {"usd": 10}, "concurrent_answers": 4})
    results = [await router.ask(max_layer_count=2) for _ in range(3)]
    used = NOTHING
    for entry in (entry for result in results for entry in result.usage):
        tokens = entry.prompt_token_count + entry.completion_token_count
        used += Amount.of_call(tokens, entry.cost_usd)
    assert used.calls > 6

    await until(partial(is_settled, store))
    assert (await store.usage("research")).windows[Window.PER_DAY] == used


async def test_callers_of_two_routers_never_spend_more_than_the_budget_and_nearly_all_of_it(
    store: BudgetStore, start_budgeted: StartBudgeted
) -> None:
    budget = 120
    limits = {"per_day": {"calls": budget}}
    routers = [await start_budgeted(limits, pool_reload_interval_s=60.0) for _ in range(2)]
    given = []

    async def caller(router: RouterBench) -> None:
        request = pb.GenerateAnswerRequest(
            messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content="How many legs?")]
        )
        while True:
            try:
                given.append(await router.stub.GenerateAnswer(request, timeout=30, metadata=WHOLE))
            except grpc.aio.AioRpcError as raised:
                error = from_rpc_error(raised)
                assert isinstance(error, BudgetExhaustedError)
                assert error.metadata["limit"] == "per_day.calls"
                if error.retry_delay_s == 1.0:  # others hold the rest
                    await asyncio.sleep(0.01)
                    continue
                assert error.retry_delay_s is not None
                return

    async with asyncio.TaskGroup() as group:
        for number in range(32):
            group.create_task(caller(routers[number % 2]))
    made = sum(len(router.simulator.calls) for router in routers)
    assert made == sum(len(answer.usage) for answer in given)
    assert 0.95 * budget <= made <= budget
    assert (await store.usage("research")).windows[Window.PER_DAY].calls == made


async def test_a_layer_shrinks_to_what_the_budget_has_room_for_and_the_answer_says_so(
    start_router: StartRouter, tmp_path: Path
) -> None:
    path = tenants_file(tmp_path, per_day={"calls": 2})
    router = await start_router(SCRIPTS, SCORES, tenants_file=path)
    router.metadata = WHOLE
    result = await router.ask(max_layer_count=2, max_layer_model_count=3)
    assert [entry.model_id for entry in result.usage] == ["a", "b"]
    assert result.stop_reason == pb.STOP_REASON_CALL_LIMIT
    assert result.answer.text in {"a says eight", "b says eight"}
    error = await failure(router.ask())
    assert isinstance(error, BudgetExhaustedError)
    assert error.metadata["tenant"] == "research"
    assert error.metadata["resets_at"].endswith("T00:00:00Z")


async def test_a_caller_that_goes_away_gives_back_what_was_not_used(
    store: BudgetStore, start_budgeted: StartBudgeted
) -> None:
    limits = {"per_day": {"tokens": 10**6}, "concurrent_answers": 1}
    router = await start_budgeted(limits, pacing=Pacing(time_to_first_token_s=60))
    asked = asyncio.create_task(router.ask(timeout_s=60))
    await router.simulator.wait_for_calls(lambda calls: len(calls) >= 1)
    usage = await store.usage("research")
    assert usage.held.tokens > 3 * 1024
    assert usage.answers == 1
    asked.cancel()

    await until(partial(is_settled, store))
    spent = (await store.usage("research")).windows[Window.PER_DAY]
    assert 0 < spent.tokens < 3 * 1024  # the prompts were read


async def test_without_redis_nothing_is_spent_and_with_it_again_all_goes_on(
    redis_server: RedisServer, start_budgeted: StartBudgeted
) -> None:
    router = await start_budgeted({"per_day": {"usd": 10}})
    redis_server.kill()
    for _ in range(4):
        error = await failure(router.ask())
        assert isinstance(error, BudgetStoreUnavailableError)
        assert error.retry_delay_s == 0.05
    assert not router.simulator.calls
    redis_server.start()
    await until(partial(answers, router))


async def test_after_a_failover_of_redis_calls_are_admitted_at_the_new_primary(
    start_budgeted: StartBudgeted, redis_url_file: Path
) -> None:
    async with AsyncExitStack() as stack:
        old, new = (
            stack.enter_context(
                running_redis(
                    Path(stack.enter_context(tempfile.TemporaryDirectory())), port=free_port()
                )
            )
            for _ in range(2)
        )
        name = await stack.enter_async_context(stable_name(old.port))
        write_url(redis_url_file, f"redis://127.0.0.1:{name.port}/0")
        new.follow(old)
        router = await start_budgeted({"per_day": {"usd": 10}})
        made = [await router.ask() for _ in range(3)]
        old.wait_for_replica()
        new.promote()
        old.follow(new)
        for _ in range(4):
            assert isinstance(await failure(router.ask()), BudgetStoreUnavailableError)
        name.target = new.port
        await until(partial(answers, router))
        made.append(await router.ask())
        async with open_redis_store(new.url, timeout_s=5, breaker=Breaker()) as store:
            await until(partial(is_settled, store))
            calls = (await store.usage("research")).windows[Window.PER_DAY].calls
        assert calls == 5 * len(made[0].usage)


async def test_redis_that_dies_between_layers_ends_in_the_best_answer(
    redis_server: RedisServer, start_budgeted: StartBudgeted
) -> None:
    router = await start_budgeted(
        {"per_day": {"usd": 10}},
        pacing=Pacing(time_to_first_token_s=1.0),
        timeout_s=1.0,  # what it waits for at its end, too
    )
    asked = asyncio.create_task(router.ask(max_layer_count=2, timeout_s=30))
    await router.simulator.wait_for_calls(lambda calls: len(calls) >= 1)
    redis_server.kill()
    result = await asked
    assert result.stop_reason == pb.STOP_REASON_COST_LIMIT
    assert result.answer.text == "a says eight"


async def test_changed_limits_hold_from_the_next_answer_on(
    start_router: StartRouter, tmp_path: Path
) -> None:
    path = tenants_file(tmp_path, per_day={"calls": 3})
    router = await start_router(SCRIPTS, SCORES, tenants_file=path, pool_reload_interval_s=0.05)
    router.metadata = WHOLE
    await router.ask(max_layer_count=1)
    assert isinstance(await failure(router.ask()), BudgetExhaustedError)
    path.write_text("tenants: [")

    async def is_refused() -> bool:
        refused = REGISTRY.get_sample_value("routemoa_reload_refused_count", {"what": "tenants"})
        return refused == 1

    await until(is_refused)
    assert isinstance(await failure(router.ask()), BudgetExhaustedError)
    tenants_file(tmp_path, per_day={"calls": 100})
    await until(partial(answers, router))


async def test_the_metrics_say_who_spent_what_and_what_refused_whom(
    start_router: StartRouter, tmp_path: Path
) -> None:
    path = tenants_file(tmp_path, tenants="measured", per_day={"calls": 3})
    router = await start_router(SCRIPTS, SCORES, tenants_file=path)
    router.metadata = WHOLE
    result = await router.ask(max_layer_count=1)
    await failure(router.ask())

    def metric(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(
            f"routemoa_router_budget_{name}", {"tenant": "measured", **labels}
        )

    assert metric("spent_total", resource="calls") == len(result.usage) == 3
    assert metric("spent_total", resource="usd") == pytest.approx(result.cost_usd, abs=1e-8)
    assert metric("reserved_count", resource="tokens") == 0
    refused = metric("refusals_total", limit="per_day.calls")
    assert refused is not None
    assert refused >= 1


@pytest.mark.parametrize(
    ("tenants", "redis_url", "problem"),
    [
        ("missing.yaml", None, "cannot be read"),
        ("tenants.yaml", "missing", "the URL of a Redis"),
        ("tenants.yaml", "url", "the URL of a Redis"),
    ],
)
async def test_files_that_cannot_be_used_keep_the_router_from_starting(
    tmp_path: Path, tenants: str, redis_url: str | None, problem: str
) -> None:
    tenants_file(tmp_path)
    (tmp_path / "url").write_text("http://secret@nowhere")
    (tmp_path / "pool.yaml").write_text(
        "models: [{id: a, url: 'http://127.0.0.1:1/v1', prompt_price_usd_per_million_tokens: 1, "
        "completion_price_usd_per_million_tokens: 1, context_window_tokens: 8000}]"
    )
    config = RouterServiceConfig(
        pool_file=tmp_path / "pool.yaml",
        tenants_file=tmp_path / tenants,
        budget=BudgetSettings(redis_url_file=None if redis_url is None else tmp_path / redis_url),
    )
    with pytest.raises(StartUpError) as raised:
        async with router_app(config):
            pass
    said = " ".join([str(raised.value), *raised.value.problems])
    assert problem in said
    assert "secret" not in said
