"""The batches of many callers' queries, with an engine that the test holds."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from routemoa.errors import DrainingError, OverloadedError
from scorer import TokenizedQuery
from scorer.runtime.runtime import Prediction
from scorer.runtime.tokenizer import NO_IDS
from services.scorer import metrics
from services.scorer.batching.batch_limits import BatchLimits
from services.scorer.batching.batcher import (
    INLINE_CHARACTERS,
    MAX_WAIT_FACTOR,
    Batcher,
    BatchFailedError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from services.scorer.outcome import ScoredQuery

LIMITS = BatchLimits(
    max_tokens=1_000, max_length_ratio=2, max_requests=4, max_queue_requests=6, max_wait_s=60
)
WAIT_S = 30


class GatedEngine:
    """Has one token per character, scores a query with its length, and waits before each batch."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[str] = set()
        self.knows_tokens = True
        self._started: queue.Queue[list[int]] = queue.Queue()
        self._gate = threading.Semaphore(0)

    def tokenize(self, text: str) -> TokenizedQuery:
        if text == "bad text":
            raise ValueError(text)
        self.threads.add(threading.current_thread().name)
        return TokenizedQuery(
            ids=np.zeros(len(text), dtype=np.int64), ngrams=NO_IDS, truncated=len(text) > 100
        )

    def predict(self, queries: Sequence[TokenizedQuery]) -> Prediction:
        lengths = [len(query.ids) for query in queries]
        self.batches.append(lengths)
        self._started.put(lengths)
        assert self._gate.acquire(timeout=WAIT_S)
        if 13 in lengths:
            raise RuntimeError("unlucky")
        column = np.array([[length] for length in lengths], dtype=np.float32)
        return Prediction(
            scores=column,
            class_weights=column * 10,
            completion_tokens=column * 100 if self.knows_tokens else None,
            uncertainty=column[:, 0] / 1_000,
        )

    async def started(self) -> list[int]:
        """Waits until the next batch is running and returns its lengths."""
        return await asyncio.to_thread(self._started.get, timeout=WAIT_S)

    def release(self, count: int = 1) -> None:
        """Lets batches finish."""
        self._gate.release(count)


@asynccontextmanager
async def batching(limits: BatchLimits = LIMITS) -> AsyncIterator[tuple[Batcher, GatedEngine]]:
    engine = GatedEngine()
    async with asyncio.timeout(2 * WAIT_S), Batcher(engine, limits) as batcher:
        try:
            yield batcher, engine
        finally:
            engine.release(100)


async def queued(batcher: Batcher, *texts: str) -> asyncio.Task[list[ScoredQuery]]:
    """Starts a call and returns once its texts are in the queue."""
    task = asyncio.create_task(batcher.score(texts))
    # A task runs up to its first real wait, which is the wait for its scores.
    await asyncio.sleep(0)
    return task


def values(outcomes: Sequence[ScoredQuery]) -> list[float]:
    return [float(outcome.scores[0]) for outcome in outcomes]


async def test_a_single_query_runs_at_once() -> None:
    async with batching() as (batcher, engine):
        call = await queued(batcher, "word")
        assert await engine.started() == [4]
        engine.release()
        assert values(await call) == [4]


async def test_queries_that_arrive_while_a_batch_runs_form_the_next_one() -> None:
    async with batching() as (batcher, engine):
        first = await queued(batcher, "a")
        await engine.started()
        others = [await queued(batcher, "b" * length) for length in (5, 7, 6)]
        engine.release(2)
        assert values(await first) == [1]
        assert [values(await other) for other in others] == [[5], [7], [6]]
        assert [sorted(batch) for batch in engine.batches] == [[1], [5, 6, 7]]


async def test_the_whole_prediction_for_a_query_reaches_its_caller() -> None:
    async with batching() as (batcher, engine):
        engine.release(9)
        for outcome, length in zip(await batcher.score(["xx", "x" * 90]), (2, 90), strict=True):
            assert outcome.class_weights.tolist() == [length * 10]
            assert outcome.completion_tokens is not None
            assert outcome.completion_tokens.tolist() == [length * 100]
            assert outcome.uncertainty == pytest.approx(length / 1_000)
        engine.knows_tokens = False
        (untaught,) = await batcher.score(["xx"])
        assert untaught.completion_tokens is None


async def test_one_call_may_need_several_batches_and_gets_its_outcomes_in_order() -> None:
    async with batching() as (batcher, engine):
        engine.release(9)
        texts = ["x" * length for length in (90, 3, 300, 4, 80, 2)]
        assert values(await batcher.score(texts)) == [90, 3, 300, 4, 80, 2]
        assert len(engine.batches) > 1


async def test_a_batch_keeps_to_the_token_budget_with_padding() -> None:
    async with batching(replace(LIMITS, max_tokens=150)) as (
        batcher,
        engine,
    ):
        first = await queued(batcher, "a")
        await engine.started()
        rest = await queued(batcher, *("b" * length for length in (40, 50, 60, 45)))
        engine.release(9)
        await first
        await rest
        for batch in engine.batches:
            assert max(batch) * len(batch) <= 150


async def test_the_oldest_query_goes_first_however_many_are_like_one_another() -> None:
    async with batching() as (batcher, engine):
        first = await queued(batcher, "a")
        await engine.started()
        old = await queued(batcher, "o" * 500)
        young = [await queued(batcher, "y" * 10) for _ in range(4)]
        engine.release()
        await first
        assert await engine.started() == [500]
        engine.release(2)
        await old
        for call in young:
            await call


async def test_a_caller_that_went_away_is_skipped() -> None:
    async with batching() as (batcher, engine):
        first = await queued(batcher, "a")
        await engine.started()
        gone = await queued(batcher, "gone")
        stays = await queued(batcher, "stays")
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        engine.release(2)
        await first
        assert values(await stays) == [5]
        assert engine.batches == [[1], [5]]


async def test_a_batch_that_fails_fails_its_callers_and_no_others() -> None:
    async with batching() as (batcher, engine):
        first = await queued(batcher, "a")
        await engine.started()
        unlucky = [await queued(batcher, "x" * length) for length in (13, 12)]
        spared = await queued(batcher, "x" * 500)
        engine.release(3)
        assert values(await first) == [1]
        for call in unlucky:
            with pytest.raises(BatchFailedError):
                await call
        assert values(await spared) == [500]
        engine.release()
        assert values(await batcher.score(["again"])) == [5]


async def test_a_text_that_cannot_be_tokenized_fails_its_caller_alone() -> None:
    async with batching() as (batcher, engine):
        with pytest.raises(ValueError, match="bad text"):
            await batcher.score(["fine", "bad text"])
        engine.release()
        assert values(await batcher.score(["fine"])) == [4]
        assert engine.batches == [[4]]


async def test_a_full_queue_refuses_a_call_as_a_whole_and_says_when_to_retry() -> None:
    async with batching() as (batcher, engine):
        running = await queued(batcher, "a")
        await engine.started()
        waiting = await queued(batcher, *["w"] * 5)
        with pytest.raises(OverloadedError) as caught:
            await batcher.score(["x", "x"])
        assert caught.value.retry_delay_s
        assert caught.value.metadata == {"limit": "6"}
        fits = await queued(batcher, "f")
        engine.release(9)
        for call in (running, waiting, fits):
            await call
        assert sum(map(len, engine.batches)) == 7


async def test_a_call_that_would_start_too_late_is_refused_at_once() -> None:
    async with batching() as (batcher, engine):
        engine.release()
        await batcher.score(["pace"])
        running = await queued(batcher, "a")
        await engine.started()
        await engine.started()
        waiting = await queued(batcher, "w", "w")
        with pytest.raises(OverloadedError) as caught:
            await batcher.score(["hurried"], remaining_s=1e-9)
        assert caught.value.retry_delay_s
        assert "wait_ms" in caught.value.metadata
        with pytest.raises(OverloadedError):  # before it is tokenized, which would fail
            await batcher.score(["bad text"], remaining_s=1e-9)
        engine.release(9)
        assert values(await running + await waiting) == [1, 1, 1]


async def test_the_waits_of_the_worker_between_batches_are_part_of_the_service_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a busy machine they are most of a query's time; without them, too many calls are admitted."""
    pause_s = 0.2
    monkeypatch.setattr(metrics, "observe_batch", lambda *_: time.sleep(pause_s))
    async with batching() as (batcher, engine):
        running = await queued(batcher, "a")
        await engine.started()
        waiting = await queued(batcher, "w")
        engine.release(2)
        await running
        await waiting
        hasty = asyncio.create_task(batcher.score(["x", "x"]))
        await engine.started()
        await engine.started()
        assert batcher._service_time.query_s >= pause_s / 4
        engine.release(9)
        await hasty


async def test_a_query_that_waited_too_long_is_dropped_unscored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with batching() as (batcher, engine):
        running = await queued(batcher, "a")
        await engine.started()
        waiting = await queued(batcher, "late")
        now_s, passed_s = time.perf_counter, MAX_WAIT_FACTOR * LIMITS.max_wait_s
        monkeypatch.setattr(time, "perf_counter", lambda: now_s() + passed_s)
        engine.release(9)
        assert values(await running) == [1]
        with pytest.raises(OverloadedError):
            await waiting
        assert engine.batches == [[1]]


async def test_long_texts_are_tokenized_off_the_event_loop() -> None:
    async with batching() as (batcher, engine):
        engine.release(9)
        await batcher.score(["short"])
        assert engine.threads == {"MainThread"}
        await batcher.score(["x" * (INLINE_CHARACTERS // 2 + 1)] * 2)
        assert engine.threads == {"MainThread", "tokenizer_0"}


async def test_timing_and_truncation_belong_to_each_query() -> None:
    async with batching() as (batcher, engine):
        first = await queued(batcher, "a")
        await engine.started()
        pair = await queued(batcher, "x" * 90, "x" * 110)
        engine.release(2)
        await first
        short, long = await pair
        assert (short.truncated, long.truncated) == (False, True)
        assert short.timing.inference_s == long.timing.inference_s > 0
        assert short.timing.queue_s > 0


async def test_callers_that_still_wait_when_the_batcher_closes_get_an_error() -> None:
    async with batching() as (batcher, engine):
        running = await queued(batcher, "a")
        await engine.started()
        waiting = await queued(batcher, "w")
    assert values(await running) == [1]
    with pytest.raises(DrainingError):
        await waiting
    with pytest.raises(DrainingError):
        await batcher.score(["late"])


async def test_a_queued_query_may_wait_longer_than_expected() -> None:
    async with batching() as (batcher, engine):
        running = await queued(batcher, "a")
        await engine.started()
        batcher._service_time.query_s = LIMITS.max_wait_s * 0.9
        waiting = await queued(batcher, "w")
        (entry,) = batcher._queue
        assert entry.call.start_by_s > time.perf_counter() + LIMITS.max_wait_s
        batcher._service_time.query_s = (
            LIMITS.max_wait_s * 1.1
        )  # within that time, but more than may be expected
        with pytest.raises(OverloadedError):
            await batcher.score(["x"])
        engine.release(9)
        assert values(await running + await waiting) == [1, 1]


async def test_a_call_can_be_shed_before_it_is_read() -> None:
    async with batching() as (batcher, engine):
        assert batcher.shed_reason() is None
        running = await queued(batcher, "a")
        await engine.started()
        waiting = await queued(batcher, "w", "w")
        batcher._service_time.query_s = LIMITS.max_wait_s * 0.4
        assert batcher.shed_reason() is None
        batcher._service_time.query_s = LIMITS.max_wait_s * 0.6
        error = batcher.shed_reason()
        assert error is not None
        assert error.retry_delay_s == 1.2 * LIMITS.max_wait_s
        assert batcher.shed_reason() is error  # so that its handler can be cached
        with pytest.raises(OverloadedError):  # as a call that was read
            await batcher.score(["x"])
        engine.release(9)
        assert values(await running + await waiting) == [1, 1, 1]
