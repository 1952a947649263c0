"""The final answer, streamed to the user: one call writes it, others start beside it if it is silent.

Whoever writes first is shown. A call that has been silent for too long goes on: only an answer, or the
end of the caller's time, ends it. If another one writes meanwhile, that one is shown instead.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.backends.call import CallFailedError, ModelCall
from services.router.prompts.replies import AnswerFilter
from services.router.routing.events import Answer, Delta, Reset, Resumed
from services.router.types.ledger import CallStatus, answer_tokens
from services.router.types.reusable_timeout import Waiting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

    from services.router.backends.generator import Stream
    from services.router.engine.run import Run
    from services.router.types.deadline import Deadline

    NextWriter = Callable[[], Awaitable["Writer | None"]]
    """Returns who may write as well, with room reserved; None if nobody may."""

SILENCE_SHARE = 0.5
"""Share of the time left that may pass without text before another model starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A call for which room is reserved, what runs it, and when another is to start if it is silent."""

    call: ModelCall
    stream: Stream
    first_text: Deadline


async def write_final(
    run: Run, writer: Writer, *, next_writer: NextWriter
) -> AsyncGenerator[Delta | Reset | Resumed, None]:
    """Yields the answer in pieces and, once it is whole, sets `run.final`.

    If every call fails, `run.final` stays unset; if something was shown, a `Reset` voids that. The
    calls are in the ledger however they end.
    """
    writing = _Writing(run, next_writer)
    try:
        async with aclosing(writing.events(writer)) as events:
            async for event in events:
                if isinstance(event, Delta):
                    run.note_delta()
                yield event
    finally:
        await writing.end()


@dataclass(slots=True, kw_only=True, eq=False)
class _Reply:
    """One call at work, and what it has written."""

    call: ModelCall
    texts: list[str] = field(default_factory=list)
    late: bool = False
    """Whether it has been silent for so long that another was started."""
    status: CallStatus | None = None
    """How the call ended; None while it runs."""

    @property
    def is_whole(self) -> bool:
        return self.status is CallStatus.OK

    @property
    def may_stand(self) -> bool:
        """Whether it is the answer, or may become it, and has text."""
        return bool(self.texts) and self.status in {None, CallStatus.OK}


class _Writing:
    def __init__(self, run: Run, next_writer: NextWriter) -> None:
        self._run = run
        self._next_writer = next_writer
        self._news: asyncio.Queue[tuple[_Reply, str | Resumed | CallStatus | Exception]] = (
            asyncio.Queue()
        )
        self._tasks: dict[asyncio.Task[None], _Reply] = {}
        self._shown: _Reply | None = None
        self._limit = run.deadline
        """When another is started."""

    async def events(self, first: Writer) -> AsyncGenerator[Delta | Reset | Resumed, None]:
        """Yields what is shown, until one reply is whole, all have failed or the time is over."""
        self._start(first)
        with Waiting() as waiting:
            while any(reply.status is None for reply in self._replies) or not self._news.empty():
                try:
                    reply, news = await waiting.until(self._limit, self._news.get())
                except TimeoutError:
                    events = await self._silence()
                else:
                    events = self._take(reply, news)
                for event in events:
                    yield event
                if self._shown is not None and self._shown.is_whole:
                    return
                if self._run.deadline.remaining_s() <= 0 and self._news.empty():
                    break
        for event in self._last():
            yield event

    async def end(self) -> None:
        """Stops the calls, books them and sets the run's answer."""
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
                    )

    @property
    def _replies(self) -> tuple[_Reply, ...]:
        return tuple(self._tasks.values())

    def _start(self, writer: Writer) -> None:
        reply = _Reply(call=writer.call)
        self._tasks[asyncio.create_task(self._run_call(reply, writer.stream))] = reply
        self._limit = writer.first_text

    async def _run_call(self, reply: _Reply, stream: Stream) -> None:
        answer = AnswerFilter()
        end: CallStatus | Exception = CallStatus.OK
        try:
            async with aclosing(stream(reply.call)) as pieces:
                async for piece in pieces:
                    text = piece if isinstance(piece, Resumed) else answer.feed(piece)
                    if text:
                        self._news.put_nowait((reply, text))
            if rest := answer.finish():
                self._news.put_nowait((reply, rest))
        except CallFailedError as error:
            end = error.status
        except Exception as error:  # noqa: BLE001  # raised to whoever reads
            end = error
        self._news.put_nowait((reply, end))

    def _take(
        self, reply: _Reply, news: str | Resumed | CallStatus | Exception
    ) -> Iterator[Delta | Reset | Resumed]:
        """Yields what a piece of a reply, or its end, changes for the user."""
        if isinstance(news, Exception):
            raise news
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
        """Shows another reply, or starts one, where nothing has come for too long."""
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
            self._limit = self._run.deadline  # nobody else can do better
        return iter(())

    def _best_other(self) -> _Reply | None:
        """Returns the reply to show instead of the one shown: a whole one, or else one begun."""
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
        """Yields how it ends without a whole reply shown: with one that is whole, or with none."""
        for reply in self._replies:
            reply.late = reply.late or reply.status is None
        whole = next((reply for reply in self._replies if reply.is_whole), None)
        if self._shown is not None or whole is not None:
            yield from self._show(whole, instead_of=CallStatus.TIMEOUT)
