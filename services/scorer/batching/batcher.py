"""Runs the queries of many callers together.

text -> tokens (before the queue, so that its counts are true) -> queue -> batch -> reading -> callers

One worker thread takes a batch from the queue, runs it, hands the reading to the event loop and takes
the next at once, without waiting for the loop. A lone query runs at once; what arrives while a batch
runs forms the next one. So batches grow with load and nothing waits for company.
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
from services.scorer.batching.overload_errors import RETRY_DELAY_S, about_too_late, too_late
from services.scorer.batching.service_time import Pace
from services.scorer.outcome import ScoredQuery, Timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scorer import TokenizedQuery
    from scorer.runtime.runtime import Reading

INLINE_CHARACTERS = 1_000
"""A call with this much text is tokenized on the event loop, which takes 0.3 ms; one with more is
handed to a thread, so that it does not hold up other calls."""
PATIENCE = 2
"""A query that was let in may wait so many times as long as it might be expected to: estimates err, and
what is given up has waited for nothing."""

_log = structlog.get_logger()


class Engine(Protocol):
    """What the batcher needs of a runtime; both methods are called from other threads."""

    def tokenize(self, text: str) -> TokenizedQuery:
        """Returns the text as `read` takes it."""

    def read(self, queries: Sequence[TokenizedQuery]) -> Reading:
        """Returns all that the artifact says about queries, at least one."""


class BatchFailedError(RuntimeError):
    """The batch that a query was in could not be run; the log says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """How large batches and their queue may grow."""

    max_tokens: int
    """Padding included."""
    max_length_ratio: float
    """The longest query may have so many times the tokens of the shortest."""
    max_requests: int
    max_queue_requests: int
    max_wait_s: float
    """The longest that a query may be expected to wait before its batch starts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Call:
    """One caller's queries: they may run in several batches and are answered together."""

    future: asyncio.Future[list[ScoredQuery]]
    query_count: int
    start_by_s: float
    """When its queries must have started, by the performance counter."""
    outcomes: dict[int, ScoredQuery] = field(default_factory=dict)

    def finish(self, place: int, outcome: ScoredQuery) -> None:
        self.outcomes[place] = outcome
        if len(self.outcomes) == self.query_count and not self.future.done():
            self.future.set_result([self.outcomes[i] for i in range(self.query_count)])

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Entry:
    """One query in the queue."""

    call: _Call
    place: int
    query: TokenizedQuery
    tokenization_s: float
    queued_at_s: float


class Batcher:
    """Scores queries in batches, from `async with` until the block ends."""

    def __init__(self, engine: Engine, limits: BatchLimits) -> None:
        self._engine = engine
        self._limits = limits
        self._queue: list[_Entry] = []
        self._pace = Pace()
        """Of the worker, all that it waits for between batches included."""
        self._busy_since_s = 0.0
        """When the worker last ended a batch or its idleness; only it knows."""
        self._closed = False
        # Guards the queue, the pace and the end, which the event loop and the worker share.
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
        """Returns the outcome for each text, in order.

        Args:
            texts: What to score.
            remaining_s: Time that the caller has; None if it set no deadline.

        Raises:
            OverloadedError: The queue cannot take all of them, or they would not start in time.
            BatchFailedError: A batch with one of them failed.
        """
        wait_s = min(PATIENCE * self._limits.max_wait_s, remaining_s or math.inf)
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
        # Being cancelled cancels the future; the worker then skips the call's entries.
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
                place=place,
                query=query,
                tokenization_s=tokenization_s,
                queued_at_s=queued_at_s,
            )
            for place, (query, tokenization_s) in enumerate(timed)
        ]

    def _enqueue(self, call: _Call, entries: Sequence[_Entry]) -> None:
        with self._changed:
            self._check_room(call)  # others may have come while its texts were tokenized
            self._queue.extend(entries)
            metrics.QUEUED.set(len(self._queue))
            self._changed.notify()

    def refusal(self) -> OverloadedError | None:
        """Returns why a lone query that comes now would be refused; the same error for the same reason.

        None also if the caller's own deadline would be the reason, which is not known here.
        """
        wait_s = len(self._queue) * self._pace.query_s
        if wait_s <= self._limits.max_wait_s:
            return None
        return about_too_late(wait_s)

    def _check_room(self, call: _Call) -> None:
        """Raises what refuses a call that the queue cannot take now; a guess without the lock."""
        if self._closed:
            raise DrainingError("the service is shutting down")
        limit = self._limits.max_queue_requests
        if len(self._queue) + call.query_count > limit:
            raise OverloadedError(
                f"{limit} queries may wait, and not all of this call's would fit",
                {"limit": str(limit)},
                retry_delay_s=RETRY_DELAY_S,
            )
        wait_s = len(self._queue) * self._pace.query_s
        is_late = time.perf_counter() + wait_s > call.start_by_s
        if call.query_count and (is_late or wait_s > self._limits.max_wait_s):
            raise too_late(wait_s)

    def _work(self) -> None:
        while batch := self._next_batch():
            started_s = time.perf_counter()
            queries = [entry.query for entry in batch]
            try:
                reading = self._engine.read(queries)
            except Exception:  # noqa: BLE001  # whatever it is, only this batch's callers may fail
                _log.exception("batch_failed", request_count=len(batch))
                self._loop.call_soon_threadsafe(_fail, batch)
                continue
            ended_s = time.perf_counter()
            inference_s = ended_s - started_s
            busy_s, self._busy_since_s = ended_s - self._busy_since_s, ended_s
            with self._changed:
                self._pace.note(busy_s, len(batch))
            metrics.observe_batch([len(query.ids) for query in queries], inference_s)
            self._loop.call_soon_threadsafe(_finish, batch, reading, started_s, inference_s)

    def _drop_hopeless(self) -> None:
        """Takes what nobody waits for, or what waited too long, out of the queue."""
        now_s = time.perf_counter()
        kept: list[_Entry] = []
        late: list[_Entry] = []
        for entry in self._queue:
            if not entry.call.future.done():
                (late if now_s > entry.call.start_by_s else kept).append(entry)
        self._queue = kept
        if late:
            error = too_late(now_s - late[0].queued_at_s)
            self._loop.call_soon_threadsafe(_fail_with, late, error)

    def _next_batch(self) -> list[_Entry]:
        """Waits for queries; returns none once the batcher is closed."""
        with self._changed:
            while True:
                self._drop_hopeless()
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
            batch = [self._queue[place] for place in chosen]
            taken = set(chosen)
            self._queue = [e for place, e in enumerate(self._queue) if place not in taken]
            metrics.QUEUED.set(len(self._queue))
        return batch


def _finish(
    batch: Sequence[_Entry], reading: Reading, started_s: float, inference_s: float
) -> None:
    uncertainties = reading.uncertainty.tolist()
    for row, entry in enumerate(batch):
        timing = Timing(
            queue_s=started_s - entry.queued_at_s,
            tokenization_s=entry.tokenization_s,
            inference_s=inference_s,
        )
        metrics.observe_wait(timing.queue_s, timing.tokenization_s)
        tokens = reading.completion_tokens
        outcome = ScoredQuery(
            scores=reading.scores[row],
            class_weights=reading.class_weights[row],
            completion_tokens=None if tokens is None else tokens[row],
            uncertainty=uncertainties[row],
            truncated=entry.query.truncated,
            timing=timing,
        )
        entry.call.finish(entry.place, outcome)


def _fail(batch: Sequence[_Entry]) -> None:
    _fail_with(batch, BatchFailedError("the batch failed"))


def _fail_with(entries: Sequence[_Entry], error: Exception) -> None:
    for entry in entries:
        entry.call.fail(error)
