"""The final answer, streamed to the caller: one call writes it, others start beside it if it is silent.

The first call to write is shown. A silent call goes on until there is an answer or the caller's time
is over. If another call writes meanwhile, that one is shown instead.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.backends.call_failure import status_of_exception
from services.router.prompts.answer_filter import AnswerFilter
from services.router.routing.events import Answer, Delta, Reset, Resumed
from services.router.types.deadline import ReusableTimeout
from services.router.types.ledger import CallStatus, answer_tokens, finish_reason
from services.router.types.pieces import RefusalPiece

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

    from services.router.backends.call import ModelCall, Stream
    from services.router.engine.run import Run
    from services.router.types.deadline import Deadline
    from services.router.types.pieces import Piece

    News = str | Resumed | CallStatus
    """A piece of text, a resumption, or the end of a reply."""
    NextWriter = Callable[[], Awaitable["Writer | None"]]
    """Returns a further writer, with its room reserved; None if there is none."""

SILENCE_SHARE = 0.5
"""Share of the time left after which a further model starts if no text has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A call to write the final answer, with its room reserved."""

    call: ModelCall
    stream: Stream
    first_text: Deadline
    """A further writer starts after it if no text has come."""


async def write_final(
    run: Run, writer: Writer, *, next_writer: NextWriter
) -> AsyncGenerator[Delta | Reset | Resumed, None]:
    """Yields the answer in pieces and, once it is whole, sets `run.final`.

    If every call fails, `run.final` stays unset, and a `Reset` voids what was shown. Every call is
    booked, however it ends.
    """
    answer = _FinalAnswer(run, next_writer)
    try:
        async with aclosing(answer.events(writer)) as events:
            async for event in events:
                if isinstance(event, Delta):
                    run.record_first_delta()
                yield event
    finally:
        await answer.end()


def _text_of(piece: Piece) -> str:
    """Returns the text to show for a piece: that of the answer or of a refusal."""
    if isinstance(piece, str):
        return piece
    return piece.text if isinstance(piece, RefusalPiece) else ""


@dataclass(slots=True, kw_only=True, eq=False)
class _Reply:
    """One call at work, and its text so far."""

    call: ModelCall
    texts: list[str] = field(default_factory=list)
    late: bool = False
    """True if it has been silent so long that another was started."""
    status: CallStatus | None = None
    """The final status; None while it runs."""

    @property
    def is_whole(self) -> bool:
        """True if the reply is complete."""
        return self.status is CallStatus.OK

    @property
    def may_stand(self) -> bool:
        """True if it has text and has not failed."""
        return bool(self.texts) and self.status in {None, CallStatus.OK}


class _Inbox:
    """News of all replies for one reader. Cheaper than a queue, since each piece passes here."""

    def __init__(self) -> None:
        self._news: deque[tuple[_Reply, News]] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put(self, reply: _Reply, news: News) -> None:
        self._news.append((reply, news))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> tuple[_Reply, News]:
        while not self._news:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._news.popleft()

    def __bool__(self) -> bool:
        return bool(self._news)


class _FinalAnswer:
    def __init__(self, run: Run, next_writer: NextWriter) -> None:
        self._run = run
        self._next_writer = next_writer
        self._inbox = _Inbox()
        self._tasks: dict[asyncio.Task[None], _Reply] = {}
        self._shown: _Reply | None = None
        self._limit = run.deadline
        """A further writer starts after it."""

    async def events(self, first: Writer) -> AsyncGenerator[Delta | Reset | Resumed, None]:
        """Yields what is shown, until a reply is whole, all have failed or the time is over."""
        self._start(first)
        with ReusableTimeout() as timeout:
            while any(reply.status is None for reply in self._replies) or self._inbox:
                try:
                    reply, news = await timeout.until(self._limit, self._inbox.get())
                except TimeoutError:
                    events = await self._silence()
                else:
                    events = self._take(reply, news)
                for event in events:
                    yield event
                if self._shown is not None and self._shown.is_whole:
                    return
                if self._run.deadline.remaining_s() <= 0 and not self._inbox:
                    break
        for event in self._last():
            yield event

    async def end(self) -> None:
        """Stops and books the calls, and sets the final answer of the run."""
        for task in self._tasks:
            task.cancel()
        try:
            await asyncio.wait(self._tasks)
        finally:
            for reply in self._replies:
                late = CallStatus.TIMEOUT if reply.late else CallStatus.CANCELLED
                entries = reply.call.book(self._run.ledger, reply.status or late)
                if reply is self._shown and reply.is_whole:
                    prompt_tokens, completion_tokens = answer_tokens(entries)
                    self._run.final = Answer(
                        model_id=reply.call.model.id,
                        text="".join(reply.texts),
                        prompt_tokens=prompt_tokens,
                        completion_tokens=completion_tokens,
                        finish_reason=finish_reason(entries),
                    )

    @property
    def _replies(self) -> tuple[_Reply, ...]:
        return tuple(self._tasks.values())

    def _start(self, writer: Writer) -> None:
        reply = _Reply(call=writer.call)
        self._tasks[asyncio.create_task(self._run_call(reply, writer.stream))] = reply
        self._limit = writer.first_text

    async def _run_call(self, reply: _Reply, stream: Stream) -> None:
        answer = AnswerFilter(reply.call.nonce)
        end = CallStatus.OK
        try:
            async with aclosing(stream(reply.call)) as pieces:
                async for piece in pieces:
                    text = piece if isinstance(piece, Resumed) else answer.feed(_text_of(piece))
                    if text:
                        self._inbox.put(reply, text)
            if rest := answer.finish():
                self._inbox.put(reply, rest)
        except Exception as error:  # noqa: BLE001  # no writer's failure ends the answer
            end = status_of_exception(error, reply.call.model.id)
        self._inbox.put(reply, end)

    def _take(self, reply: _Reply, news: News) -> Iterator[Delta | Reset | Resumed]:
        """Yields the changes that a piece of a reply, or its end, makes to what is shown."""
        if isinstance(news, Resumed):
            if reply is self._shown:
                yield news
            return
        reply.late = False
        if isinstance(news, str):
            reply.texts.append(news)
        else:
            empty = news is CallStatus.OK and not reply.texts
            reply.status = CallStatus.EMPTY if empty else news
        if reply is not self._shown:
            if reply.may_stand and (self._shown is None or self._shown.late):
                yield from self._show(reply, instead_of=CallStatus.TIMEOUT)
        elif isinstance(news, str):
            self._limit = self._run.deadline.share(SILENCE_SHARE)
            yield Delta(text=news)
        elif not reply.is_whole:
            yield from self._show(self._best_other(), instead_of=news)

    async def _silence(self) -> Iterator[Delta | Reset | Resumed]:
        """Shows another reply or starts a further writer after a long silence."""
        for reply in self._replies:
            if self._shown is None or reply is self._shown:
                reply.late = True
        other = self._best_other()
        if other is not None:
            return self._show(other, instead_of=CallStatus.TIMEOUT)
        writer = None
        if self._run.deadline.remaining_s() > 0:
            writer = await self._next_writer()
        if writer is not None:
            self._start(writer)
        else:
            self._limit = self._run.deadline  # no other call can do better
        return iter(())

    def _best_other(self) -> _Reply | None:
        """Returns the reply to show instead: a whole one, or else one that has begun."""
        others = [r for r in self._replies if r is not self._shown and r.may_stand and not r.late]
        return max(others, key=lambda reply: reply.is_whole, default=None)

    def _show(
        self, reply: _Reply | None, *, instead_of: CallStatus
    ) -> Iterator[Delta | Reset | Resumed]:
        if self._shown is not None:
            yield Reset(status=instead_of)
        self._shown = reply
        if reply is not None:
            self._limit = self._run.deadline.share(SILENCE_SHARE)
            yield Delta(text="".join(reply.texts))

    def _last(self) -> Iterator[Delta | Reset | Resumed]:
        """Yields the end if no whole reply is shown: another whole reply, or none."""
        for reply in self._replies:
            reply.late = reply.late or reply.status is None
        whole = next((reply for reply in self._replies if reply.is_whole), None)
        if self._shown is not None or whole is not None:
            yield from self._show(whole, instead_of=CallStatus.TIMEOUT)
