"""The open-loop generator and what is made of its calls."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc.aio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from scorer import Runtime, default_artifact_path, load_artifact
from services.scorer.config import ScorerServiceConfig
from tests.conftest import scorer_service
from tests.load.open_loop import Ending, arrivals, offer
from tests.load.scorer_target import TEXTS, ScorerTarget
from tests.load.summary import Summary, percentile

if TYPE_CHECKING:
    from tests.conftest import Connect, Serve


@given(rate=st.floats(1, 200), span=st.floats(0.1, 10), seed=st.integers(0, 1000))
def test_calls_are_due_in_order_within_the_time_and_the_same_for_the_same_seed(
    rate: float, span: float, seed: int
) -> None:
    due = list(arrivals(rate, span, seed))
    assert due == sorted(due) == list(arrivals(rate, span, seed))
    assert all(0 <= each < span for each in due)


def test_so_many_calls_are_due_as_the_rate_says() -> None:
    assert len(list(arrivals(100, 100, seed=3))) == pytest.approx(10_000, rel=0.05)


async def test_calls_are_offered_while_earlier_ones_wait_and_each_wait_counts() -> None:
    """A closed loop would make one call here and see nothing of the time that the rest waited."""
    offered: list[int] = []
    let_go = asyncio.Event()
    due = list(arrivals(200, 0.2, seed=0))

    async def call(number: int) -> bool:
        offered.append(number)
        if len(offered) == len(due):
            let_go.set()
        await let_go.wait()
        return True

    outcomes = await asyncio.wait_for(offer(call, rate_per_s=200, span_s=0.2), 20)
    assert offered == list(range(len(due)))
    assert [outcome.due_s for outcome in outcomes] == due
    waited_ms = (due[-1] - due[0]) * 1000
    assert outcomes[0].latency_ms >= waited_ms
    assert all(outcome.latency_ms >= outcome.late_ms for outcome in outcomes)


async def test_a_service_that_is_not_there_refuses_and_is_not_wrong() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
        method = channel.unary_unary("/routemoa.v1.ScorerService/RankModels")

        async def call(_: int) -> bool:
            await method(b"", timeout=10)
            return True

        outcomes = await offer(call, rate_per_s=50, span_s=0.2)
    assert {outcome.ending for outcome in outcomes} == {Ending.REFUSED}
    summary = Summary.of(outcomes, 0.2)
    assert summary.right_per_s == 0
    assert "| nan |" in summary.row("nobody")


async def test_a_query_refused_within_a_stream_is_refused_and_not_wrong(
    serve: Serve, connect: Connect, scorer_runtime: Runtime
) -> None:
    config = ScorerServiceConfig(listen_address="127.0.0.1:0", max_queue_wait_s=1e-9)
    stub = ScorerServiceStub(connect(await serve(config, scorer_service(config, scorer_runtime))))
    target = ScorerTarget(stub, scorer_runtime)
    outcomes = await offer(target.first_of_stream, rate_per_s=50, span_s=0.2)
    assert {outcome.ending for outcome in outcomes} == {Ending.REFUSED}


async def test_the_scorers_answers_are_right_and_another_artifacts_are_wrong(
    scorer: ScorerServiceStub, scorer_runtime: Runtime
) -> None:
    target = ScorerTarget(scorer, scorer_runtime)
    outcomes = await offer(target.unary, rate_per_s=20, span_s=0.5)
    assert {outcome.ending for outcome in outcomes} == {Ending.RIGHT}
    assert await target.first_of_stream(len(TEXTS) - 1)
    other = Runtime.open(load_artifact(default_artifact_path().parent / "base"))
    assert not await ScorerTarget(scorer, other).unary(0)


def test_percentiles_are_values_that_were_met() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 3.0
    assert percentile([1.0], 99.9) == 1.0
