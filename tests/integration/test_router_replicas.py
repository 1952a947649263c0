"""What a caller sees, and what is billed, when replicas of a model fail, stall or refuse."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
import trustme
from prometheus_client import REGISTRY

from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import router_service_pb2 as pb
from services.router.backends.replicas.config import (
    EjectionSettings,
    ReplicaSettings,
    ReplicaTuning,
)
from services.router.tuning import DEFAULT_TUNING, Tuning
from services.simulator import Call, CallOutcome, FaultKind, Pacing, Simulator, running_simulator
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.integration.conftest import RouterBench, StartRouter

WORDS = " ".join(f"word{number}" for number in range(40))
CLOSED = "http://127.0.0.1:1/v1"
"""Nothing listens here."""
EARLY_HEDGES = Tuning(replicas=ReplicaTuning(hedge_min_delay_s=0.02))
ONE_MODEL: dict[str, Any] = {"max_layer_count": 1, "max_layer_model_count": 1}


class Pool:
    """A router over one model with several replicas."""

    def __init__(self, router: RouterBench, replicas: list[Simulator]) -> None:
        self.router = router
        self.replicas = replicas

    @property
    def calls(self) -> list[int]:
        return [len(replica.calls) for replica in self.replicas]

    def entries(self) -> list[tuple[int, int]]:
        """Returns kind and status of every attempt at the last answer."""
        usage = self.router.events[-1].result.usage
        return [(entry.attempt_kind, entry.status) for entry in usage]


@asynccontextmanager
async def replicated(
    start_router: StartRouter,
    count: int = 2,
    *,
    script: str | Callable[[Call], str] = WORDS,
    pacing: Pacing | None = None,
    others: tuple[str, ...] = (),
    names: tuple[str, ...] = ("m",),
    backend: str = "vllm",
    backend_model: str | None = None,
    hedge_share: float = 0.0,
    tuning: Tuning = DEFAULT_TUNING,
) -> AsyncIterator[Pool]:
    async with AsyncExitStack() as stack:
        replicas = [
            await stack.enter_async_context(
                running_simulator(ScriptedAnswers(dict.fromkeys(names, script)), pacing=pacing)
            )
            for _ in range(count)
        ]
        urls = [*others, *(replica.url for replica in replicas)]
        model = {"url": None, "endpoints": urls, "backend": backend}
        model["backend_model"] = backend_model
        router = await start_router(
            dict.fromkeys(names, script),
            dict.fromkeys(names, 0.5),
            models=dict.fromkeys(names, model),
            replica=ReplicaSettings(hedge_share=hedge_share),
            tuning=tuning,
        )
        yield Pool(router, replicas)


def fault(pool: Pool, kind: FaultKind, *numbers: int) -> None:
    for number in numbers:
        pool.replicas[number].set_fault("m", kind)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.REFUSE, None),
        (FaultKind.ERROR_500, pb.CALL_STATUS_BACKEND_ERROR),
        (FaultKind.ERROR_429, pb.CALL_STATUS_RATE_LIMITED),
    ],
)
async def test_a_call_that_fails_before_its_text_is_tried_elsewhere_and_billed_once(
    start_router: StartRouter, kind: FaultKind, status: int | None
) -> None:
    async with replicated(start_router) as pool:
        fault(pool, kind, 0)
        while not pool.calls[0]:
            result = await pool.router.ask(**ONE_MODEL)
            assert pool.router.shown == result.answer.text == WORDS
        first, retry = pool.entries()
        assert first[0] == pb.ATTEMPT_KIND_FIRST
        assert first[1] == status or status is None
        assert retry == (pb.ATTEMPT_KIND_RETRY, pb.CALL_STATUS_OK)


@pytest.mark.parametrize("backend", ["vllm", "openai"])
async def test_a_stream_that_breaks_goes_on_where_it_stopped(
    start_router: StartRouter, backend: str
) -> None:
    asked: list[Call] = []

    def script(call: Call) -> str:
        asked.append(call)
        if "cut off" not in call.query:
            return WORDS
        before = call.messages[-2].content  # a backend that repeats the end of what it has said
        return before[-30:] + WORDS[len(before) :]

    async with replicated(start_router, script=script, backend=backend) as pool:
        fault(pool, FaultKind.DIE_MIDSTREAM, 0)
        while not pool.calls[0]:
            result = await pool.router.ask(**ONE_MODEL)
        assert result.answer.text == WORDS
        assert "".join(event.delta.text for event in pool.router.events) == WORDS
        resumed = [e.resumed for e in pool.router.events if e.HasField("resumed")]
        assert [(r.model_id, r.status) for r in resumed] == [("m", pb.CALL_STATUS_INTERRUPTED)]
        assert pool.entries() == [
            (pb.ATTEMPT_KIND_FIRST, pb.CALL_STATUS_INTERRUPTED),
            (pb.ATTEMPT_KIND_RESUME, pb.CALL_STATUS_OK),
        ]
        broken, whole = result.usage
        assert broken.estimated
        assert broken.completion_token_count > 0
        assert not whole.estimated
        assert result.cost_usd == pytest.approx(broken.cost_usd + whole.cost_usd)
        written = broken.completion_token_count + whole.completion_token_count
        assert result.answer.completion_token_count == written


async def test_a_layers_answer_is_whole_too_when_its_stream_breaks(
    start_router: StartRouter,
) -> None:
    def script(call: Call) -> str:
        return call.assessed(WORDS, self_score=0.9)

    async with replicated(start_router, script=script, names=("m", "n")) as pool:
        fault(pool, FaultKind.DIE_MIDSTREAM, 0)
        kinds: set[int] = set()
        while pb.ATTEMPT_KIND_RESUME not in kinds:
            result = await pool.router.ask(max_layer_count=1, max_layer_model_count=2)
            kinds = {entry.attempt_kind for entry in result.layers[0].usage}
        assert [a.text for a in result.layers[0].answers] == [WORDS, WORDS]
        assert [a.self_score for a in result.layers[0].answers] == pytest.approx([0.9, 0.9])


async def test_with_every_replica_breaking_off_the_answer_is_void_as_before(
    start_router: StartRouter,
) -> None:
    async with replicated(start_router) as pool:
        fault(pool, FaultKind.DIE_MIDSTREAM, 0, 1)
        with pytest.raises(grpc.aio.AioRpcError):
            await pool.router.ask(**ONE_MODEL)
        assert any(event.HasField("reset") for event in pool.router.events)


async def test_a_slow_start_is_hedged_and_the_loser_is_cancelled_and_billed(
    start_router: StartRouter,
) -> None:
    pacing = Pacing(slow_start_s=30)
    async with replicated(
        start_router, pacing=pacing, hedge_share=1.0, tuning=EARLY_HEDGES
    ) as pool:
        for _ in range(21):
            await pool.router.ask(**ONE_MODEL)
        slow = pool.replicas[0]
        while (pb.ATTEMPT_KIND_HEDGE, pb.CALL_STATUS_OK) not in pool.entries():
            slow.clear_fault("m")
            slow = max(pool.replicas, key=last_called_s)
            slow.set_fault("m", FaultKind.SLOW_START)  # the one that is asked just now
            result = await pool.router.ask(**ONE_MODEL)
        assert pool.router.shown == result.answer.text == WORDS
        assert pool.entries()[0] == (pb.ATTEMPT_KIND_FIRST, pb.CALL_STATUS_CANCELLED)
        assert result.usage[0].prompt_token_count > 0
        assert result.usage[0].completion_token_count == 0
        await slow.wait_for_outcome("m", CallOutcome.CANCELLED)


def last_called_s(replica: Simulator) -> float:
    return replica.calls[-1].started_s if replica.calls else 0.0


async def test_a_caller_that_leaves_during_a_hedge_cancels_both(start_router: StartRouter) -> None:
    async with replicated(start_router, hedge_share=1.0, tuning=EARLY_HEDGES) as pool:
        for _ in range(21):
            await pool.router.ask(**ONE_MODEL)
        fault(pool, FaultKind.HANG, 0, 1)
        asking = asyncio.create_task(pool.router.ask(**ONE_MODEL))
        for replica in pool.replicas:
            await replica.wait_for_outcome("m", CallOutcome.RUNNING)
        asking.cancel()
        for replica in pool.replicas:
            await replica.wait_for_outcome("m", CallOutcome.CANCELLED)


async def test_a_request_that_is_wrong_is_neither_retried_nor_held_against_a_replica(
    start_router: StartRouter,
) -> None:
    async with replicated(start_router, backend_model="nobody here knows it") as pool:
        for _ in range(8):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await pool.router.ask(**ONE_MODEL)
            error = from_rpc_error(caught.value)
            assert error.metadata["statuses"] == "CALL_STATUS_REJECTED"
        assert ejected() == 0


def ejected() -> float:
    name = "routemoa_router_replicas_ejected_count"
    return REGISTRY.get_sample_value(name, {"model_id": "m"}) or 0.0


async def test_a_replica_that_fails_again_and_again_gets_no_more_calls_for_a_while(
    start_router: StartRouter,
) -> None:
    ejection = EjectionSettings(base_s=0.3)
    tuning = Tuning(replicas=ReplicaTuning(ejection=ejection))
    async with replicated(start_router, tuning=tuning) as pool:
        fault(pool, FaultKind.ERROR_500, 0)
        while pool.calls[0] < 3:
            await pool.router.ask(**ONE_MODEL)
        assert ejected() == 1
        pool.replicas[0].clear_fault("m")
        async with asyncio.timeout(60):
            while ejected():
                await pool.router.ask(**ONE_MODEL)


async def test_in_a_total_outage_few_calls_are_made_beyond_those_that_came(
    start_router: StartRouter,
) -> None:
    async with replicated(start_router) as pool:
        fault(pool, FaultKind.ERROR_500, 0, 1)
        incoming = 200
        for _ in range(incoming):
            with pytest.raises(grpc.aio.AioRpcError):
                await pool.router.ask(**ONE_MODEL)
        assert incoming <= sum(pool.calls) <= 1.2 * incoming


async def test_a_lone_backend_is_tried_again_when_it_says_when(start_router: StartRouter) -> None:
    async with replicated(start_router, 1) as pool:
        fault(pool, FaultKind.ERROR_429, 0)
        asking = asyncio.create_task(pool.router.ask(**ONE_MODEL))
        await pool.replicas[0].wait_for_outcome("m", CallOutcome.FAULTED)
        pool.replicas[0].clear_fault("m")
        assert (await asking).answer.text == WORDS
        assert [kind for kind, _ in pool.entries()] == [
            pb.ATTEMPT_KIND_FIRST,
            pb.ATTEMPT_KIND_RETRY,
        ]
        first, second = pool.replicas[0].calls
        assert second.started_s - first.started_s >= 1  # its Retry-After


async def test_nobody_waits_longer_for_a_retry_than_there_is_time(
    start_router: StartRouter,
) -> None:
    async with replicated(start_router, 1) as pool:
        fault(pool, FaultKind.ERROR_429, 0)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await pool.router.ask(**ONE_MODEL, timeout_s=0.9)
        # Had it waited, time would have been up.
        assert from_rpc_error(caught.value).metadata["statuses"] == "CALL_STATUS_RATE_LIMITED"
        assert pool.calls == [1]


async def test_a_replica_whose_certificate_is_not_trusted_costs_no_call(
    start_router: StartRouter,
) -> None:
    async with (
        half_open_server(tls=True) as url,
        replicated(start_router, 1, others=(url,)) as pool,
    ):
        for _ in range(20):
            assert (await pool.router.ask(**ONE_MODEL)).answer.text == WORDS
        assert ejected() == 1


async def test_a_replica_that_takes_requests_and_closes_its_side_costs_no_call(
    start_router: StartRouter,
) -> None:
    async with half_open_server() as url, replicated(start_router, 1, others=(url,)) as pool:
        for _ in range(20):
            assert (await pool.router.ask(**ONE_MODEL)).answer.text == WORDS
        assert ejected() == 1


@asynccontextmanager
async def half_open_server(*, tls: bool = False) -> AsyncIterator[str]:
    """Runs a server that reads, says nothing, and closes its sending side alone."""
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    left = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write_eof()
        await left.wait()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http{'s' if tls else ''}://{host}:{port}/v1"
    finally:
        left.set()
        server.close()


async def test_the_turns_of_a_chat_go_to_one_replica(start_router: StartRouter) -> None:
    async with replicated(start_router, 3) as pool:
        for number in range(6):
            history = [
                ("user", f"question {number}"),
                ("assistant", "an answer"),
                ("user", "and then?"),
            ]
            for replica in pool.replicas:
                replica.clear_calls()
            for turn in range(5):
                await pool.router.ask(f"and after {turn}?", before=history, **ONE_MODEL)
            assert sorted(pool.calls) == [0, 0, 5]


async def test_single_questions_spread(start_router: StartRouter) -> None:
    async with replicated(start_router, 3) as pool:
        for _ in range(30):
            await pool.router.ask(**ONE_MODEL)
        assert min(pool.calls) > 0
        assert Counter(pool.calls).total() == 3
