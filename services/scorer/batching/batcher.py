"""Runs the queries of many callers in batches.

text -> tokens (before the queue, so that token counts are exact) -> queue -> batch -> outcomes

One worker thread takes a batch from the queue, runs it, hands the result to the event loop and
takes the next batch at once, without waiting for the loop. A single query runs at once; queries
that arrive while a batch runs form the next one. So batches grow with load and no query waits for
others to come.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

import structlog

from routemoa.errors import DrainingError, OverloadedError
from services.scorer import metrics
from services.scorer.batching.batch_selection import select_batch
from services.scorer.batching.load_shedding import (
    RETRY_DELAY_S,
    ServiceTimeEstimate,
    rounded_wait_error,
    wait_error,
)
from services.scorer.outcome import ScoredQuery, Timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scorer import TokenizedQuery
    from scorer.runtime.runtime import Prediction
    from services.scorer.batching.batch_limits import BatchLimits

INLINE_CHARACTERS = 1_000
"""A call with up to this much text is tokenized on the event loop, in at most 0.3 ms; one with
more, in a thread, so that it does not delay other calls."""
MAX_WAIT_FACTOR = 2
"""A queued query may wait this many times the longest expected wait: estimates err, and a query that
is dropped has waited in vain."""

_log = structlog.get_logger()


class Engine(Protocol):
    """The methods of a runtime that the batcher calls, from several threads."""

    def tokenize(self, text: str) -> TokenizedQuery:
        """Returns the tokens of a text."""

    def predict(self, queries: Sequence[TokenizedQuery]) -> Prediction:
        """Returns all that the artifact says about queries, at least one."""


class BatchFailedError(RuntimeError):
    """Raised when the batch of a query failed; the cause is in the log."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Call:
    """The queries of one call: they may run in several batches and are answered together."""

    future: asyncio.Future[list[ScoredQuery]]
    query_count: int
    start_by_s: float
    """Latest start of its queries, by the performance counter."""
    outcomes: dict[int, ScoredQuery] = field(default_factory=dict)

    def finish(self, index: int, outcome: ScoredQuery) -> None:
        self.outcomes[index] = outcome
        if len(self.outcomes) == self.query_count and not self.future.done():
            self.future.set_result([self.outcomes[i] for i in range(self.query_count)])

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Entry:
    """One query in the queue."""

    call: _Call
    index: int
    """Within the call."""
    query: TokenizedQuery
    tokenization_s: float
    queued_at_s: float


class Batcher:
    """Scores queries in batches until the `async with` block ends."""

    def __init__(self, engine: Engine, limits: BatchLimits) -> None:
        self._engine = engine
        self._limits = limits
        self._queue: list[_Entry] = []
        self._service_time = ServiceTimeEstimate()
        """Includes the worker's waits between two batches, such as for the interpreter."""
        self._busy_since_s = 0.0
        """The end of the worker's last batch or idle time; only the worker uses it."""
        self._closed = False
        # Guards the state that the event loop and the worker share: queue, service time, closed.
        self._changed = threading.Condition()
        self._loop = asyncio.get_running_loop()
        self._worker = threading.Thread(target=self._work, name="batcher", daemon=True)
        self._long_texts = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenizer")

    async def __aenter__(self) -> Self:
        self._busy_since_s = time.perf_counter()
        self._worker.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            abandoned, self._queue = self._queue, []
            self._changed.notify()
        for entry in abandoned:
            entry.call.fail(DrainingError("the service is shutting down"))
        await asyncio.to_thread(self._worker.join)
        self._long_texts.shutdown(wait=False, cancel_futures=True)

    async def score(
        self, texts: Sequence[str], remaining_s: float | None = None
    ) -> list[ScoredQuery]:
        """Returns the outcome of each text, in order.

        Args:
            texts: The texts to score.
            remaining_s: Time until the caller's deadline; None if it has none.

        Raises:
            OverloadedError: The queue has no room for all of them, or they would not start in time.
            BatchFailedError: The batch of one of them failed.
        """
        wait_s = min(MAX_WAIT_FACTOR * self._limits.max_wait_s, remaining_s or math.inf)
        call = _Call(
            future=self._loop.create_future(),
            query_count=len(texts),
            start_by_s=time.perf_counter() + wait_s,
        )
        self._check_room(call)  # before any work
        if sum(map(len, texts)) <= INLINE_CHARACTERS:
            entries = self._entries(call, texts)
        else:
            entries = await self._loop.run_in_executor(self._long_texts, self._entries, call, texts)
        self._enqueue(call, entries)
        # Cancellation cancels the future, and the worker then drops the entries of the call.
        return await call.future

    def _entries(self, call: _Call, texts: Sequence[str]) -> list[_Entry]:
        timed = []
        for text in texts:
            started_s = time.perf_counter()
            query = self._engine.tokenize(text)
            timed.append((query, time.perf_counter() - started_s))
        queued_at_s = time.perf_counter()
        return [
            _Entry(
                call=call,
                index=index,
                query=query,
                tokenization_s=tokenization_s,
                queued_at_s=queued_at_s,
            )
            for index, (query, tokenization_s) in enumerate(timed)
        ]

    def _enqueue(self, call: _Call, entries: Sequence[_Entry]) -> None:
        with self._changed:
            self._check_room(call)  # again: other calls may have come meanwhile
            self._queue.extend(entries)
            metrics.QUEUED.set(len(self._queue))
            self._changed.notify()

    def shed_reason(self) -> OverloadedError | None:
        """Returns the error for a new query if its expected wait is too long, else None.

        Returns the same object for similar waits. The caller's deadline is not known here.
        """
        wait_s = len(self._queue) * self._service_time.query_s
        if wait_s <= self._limits.max_wait_s:
            return None
        return rounded_wait_error(wait_s)

    def _check_room(self, call: _Call) -> None:
        """Raises an error if the queue cannot take a call now; without the lock, an estimate."""
        if self._closed:
            raise DrainingError("the service is shutting down")
        limit = self._limits.max_queue_requests
        if len(self._queue) + call.query_count > limit:
            raise OverloadedError(
                f"the queue holds at most {limit} queries and has no room for all of this call's",
                {"limit": str(limit)},
                retry_delay_s=RETRY_DELAY_S,
            )
        wait_s = len(self._queue) * self._service_time.query_s
        is_late = time.perf_counter() + wait_s > call.start_by_s
        if call.query_count and (is_late or wait_s > self._limits.max_wait_s):
            raise wait_error(wait_s)

    def _work(self) -> None:
        while batch := self._next_batch():
            started_s = time.perf_counter()
            queries = [entry.query for entry in batch]
            try:
                prediction = self._engine.predict(queries)
            except Exception:  # noqa: BLE001  # any error: only this batch's calls may fail
                _log.exception("batch_failed", request_count=len(batch))
                self._loop.call_soon_threadsafe(_fail, batch)
                continue
            ended_s = time.perf_counter()
            inference_s = ended_s - started_s
            busy_s, self._busy_since_s = ended_s - self._busy_since_s, ended_s
            with self._changed:
                self._service_time.record(busy_s, len(batch))
            metrics.observe_batch([len(query.ids) for query in queries], inference_s)
            self._loop.call_soon_threadsafe(_finish, batch, prediction, started_s, inference_s)

    def _drop_expired(self) -> None:
        """Removes the queries of cancelled calls, and those that have waited too long."""
        now_s = time.perf_counter()
        kept: list[_Entry] = []
        late: list[_Entry] = []
        for entry in self._queue:
            if not entry.call.future.done():
                (late if now_s > entry.call.start_by_s else kept).append(entry)
        self._queue = kept
        if late:
            error = wait_error(now_s - late[0].queued_at_s)
            self._loop.call_soon_threadsafe(_fail_with, late, error)

    def _next_batch(self) -> list[_Entry]:
        """Waits for queries; returns none once the batcher is closed."""
        with self._changed:
            while True:
                self._drop_expired()
                if self._closed:
                    return []
                if self._queue:
                    break
                self._changed.wait()
                self._busy_since_s = time.perf_counter()
            chosen = select_batch(
                [len(entry.query.ids) for entry in self._queue],
                max_tokens=self._limits.max_tokens,
                max_length_ratio=self._limits.max_length_ratio,
                max_requests=self._limits.max_requests,
            )
            batch = [self._queue[index] for index in chosen]
            taken = set(chosen)
            self._queue = [entry for i, entry in enumerate(self._queue) if i not in taken]
            metrics.QUEUED.set(len(self._queue))
        return batch


def _finish(
    batch: Sequence[_Entry], prediction: Prediction, started_s: float, inference_s: float
) -> None:
    uncertainties = prediction.uncertainty.tolist()
    for row, entry in enumerate(batch):
        timing = Timing(
            queue_s=started_s - entry.queued_at_s,
            tokenization_s=entry.tokenization_s,
            inference_s=inference_s,
        )
        metrics.observe_wait(timing.queue_s, timing.tokenization_s)
        tokens = prediction.completion_tokens
        outcome = ScoredQuery(
            scores=prediction.scores[row],
            class_weights=prediction.class_weights[row],
            completion_tokens=None if tokens is None else tokens[row],
            uncertainty=uncertainties[row],
            truncated=entry.query.truncated,
            timing=timing,
        )
        entry.call.finish(entry.index, outcome)


def _fail(batch: Sequence[_Entry]) -> None:
    _fail_with(batch, BatchFailedError("the batch failed"))


def _fail_with(entries: Sequence[_Entry], error: Exception) -> None:
    for entry in entries:
        entry.call.fail(error)
