"""The final answer, streamed to the caller: one call writes it, others start beside it if it is silent.

The first call to write is shown. A silent call goes on until there is an answer or the caller's time
is over. If another call writes meanwhile, that one is shown instead. A text that may turn out invalid
is shown when it is whole and valid; a call to a tool that turns out invalid is voided.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import chain, starmap
from typing import TYPE_CHECKING

from services.router.backends.call_failure import status_of_exception
from services.router.backends.collected import CollectedReply
from services.router.engine.run import InvalidAnswer
from services.router.prompts.answer_filter import AnswerFilter
from services.router.prompts.shown_labels import shown_labels
from services.router.routing.events import Answer, Delta, Reset, Resumed
from services.router.routing.finished_answer import booked_answer, missing_arguments
from services.router.routing.tool_votes import NO_TOOL
from services.router.types.deadline import ReusableTimeout
from services.router.types.inbox import Inbox
from services.router.types.ledger import CallStatus, FinishReason
from services.router.types.pieces import ToolCallPiece, with_joined_texts

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

    from services.router.backends.call import ModelCall, Stream
    from services.router.engine.run import Run
    from services.router.types.deadline import Deadline
    from services.router.types.pieces import Piece

    Change = Delta | Reset | Resumed
    """A change to what is shown."""
    News = Piece | Resumed | CallStatus
    """A piece of a reply, a resumption, or the end."""
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
    choices: frozenset[str] | None = None
    """The choices among tools that it may make; None: any."""


def write_final(
    run: Run, writer: Writer, *, next_writer: NextWriter, deadline: Deadline | None = None
) -> AsyncGenerator[Change, None]:
    """Yields the answer in pieces and, once it is whole, sets `run.final`.

    If every call fails, `run.final` stays unset, and a `Reset` voids what was shown. Every call is
    booked, however it ends. The deadline is that of the run unless an earlier one is given.
    """
    return _FinalAnswer(run, next_writer, deadline or run.deadline).events(writer)


@dataclass(slots=True, kw_only=True, eq=False)
class _Reply:
    """One call at work, and its reply so far."""

    call: ModelCall
    choices: frozenset[str] | None
    held: bool
    """True if it is shown only when it is whole, as it may turn out invalid."""
    said: CollectedReply = field(default_factory=CollectedReply)
    answer: Answer | None = None
    """The answer, once it is whole and valid."""
    late: bool = False
    """True if it has been silent so long that another was started."""
    status: CallStatus | None = None
    """The end of the call; None while it runs."""

    @property
    def has_ended(self) -> bool:
        """True if it is complete or has failed."""
        return self.status is not None

    @property
    def is_whole(self) -> bool:
        """True if the reply is complete."""
        return self.status is CallStatus.OK

    @property
    def may_stand(self) -> bool:
        """True if it can be shown: it has begun and has not failed."""
        if self.held:
            return self.is_whole
        return self.said.has_begun and self.status in {None, CallStatus.OK}

    @property
    def so_far(self) -> Answer:
        """The answer so far."""
        if self.answer is not None:
            return self.answer
        return Answer(
            model_id=self.call.model.id,
            text=self.said.text,
            tool_calls=self.said.tool_calls,
            refusal=self.said.refusal,
            reasoning=self.said.reasoning,
            log_probabilities=self.said.log_probabilities,
        )


class _FinalAnswer:
    def __init__(self, run: Run, next_writer: NextWriter, deadline: Deadline) -> None:
        self._run = run
        self._deadline = deadline
        self._next_writer = next_writer
        self._inbox: Inbox[tuple[_Reply, News]] = Inbox()
        self._tasks: dict[asyncio.Task[None], _Reply] = {}
        self._shown: _Reply | None = None
        self._limit = deadline
        """A further writer starts after it."""

    async def events(self, first: Writer) -> AsyncGenerator[Change, None]:
        """Yields what is shown, until a reply is whole, all have failed or the time is over."""
        self._start(first)
        try:
            with ReusableTimeout() as timeout:
                while self._inbox or any(r.status is None for r in self._tasks.values()):
                    try:
                        news = await timeout.until(self._limit, self._inbox.get_all())
                    except TimeoutError:
                        events = await self._silence()
                    else:
                        taken = starmap(self._take, with_joined_texts(news))
                        events = chain.from_iterable(taken)
                    for event in events:
                        yield event
                    if self._shown is not None and self._shown.is_whole:
                        return
                    if self._deadline.remaining_s() <= 0 and not self._inbox:
                        break
            for event in self._last():
                yield event
        finally:
            await self._end()

    async def _end(self) -> None:
        """Stops and books the calls, and sets the final answer of the run."""
        running = [task for task in self._tasks if not task.done()]
        for task in running:
            task.cancel()
        try:
            if running:
                await asyncio.wait(running)
        finally:
            for reply in self._replies:
                late = CallStatus.TIMEOUT if reply.late else CallStatus.CANCELLED
                entries = reply.call.book(self._run.ledger, reply.status or late)
                if reply is self._shown and reply.answer is not None:
                    self._run.final = booked_answer(reply.answer, entries)

    @property
    def _replies(self) -> tuple[_Reply, ...]:
        return tuple(self._tasks.values())

    def _start(self, writer: Writer) -> None:
        held = len(writer.choices or ()) > 1 or self._run.form.checks_text
        reply = _Reply(call=writer.call, choices=writer.choices, held=held)
        self._tasks[asyncio.create_task(self._run_call(reply, writer.stream))] = reply
        self._limit = writer.first_text

    async def _run_call(self, reply: _Reply, stream: Stream) -> None:
        answer = AnswerFilter(reply.call.nonce)
        end = CallStatus.OK
        try:
            async with aclosing(stream(reply.call)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ToolCallPiece) and not self._run.form.has_tools:
                        continue  # it was given none
                    news = answer.feed(piece) if isinstance(piece, str) else piece
                    if news:
                        self._inbox.put((reply, news))
            if rest := answer.finish():
                self._inbox.put((reply, rest))
        except Exception as error:  # noqa: BLE001  # no writer's failure ends the answer
            end = status_of_exception(error, reply.call.model.id)
        self._inbox.put((reply, end))

    def _take(self, reply: _Reply, news: News) -> Iterator[Change]:
        """Yields the changes that a piece of a reply, or its end, makes to what is shown."""
        if isinstance(news, Resumed):
            if reply is self._shown:
                yield news
            return
        if reply.has_ended or (self._shown is not None and self._shown.is_whole):
            return  # a call to a tool that it may not make ended it, or all is over
        self._update(reply, news)
        if reply is not self._shown:
            if reply.may_stand and (self._shown is None or self._shown.late):
                yield from self._show(reply, instead_of=CallStatus.TIMEOUT)
            elif self._shown is None and not reply.has_ended:
                self._limit = self._deadline.share(SILENCE_SHARE)  # it writes, though unseen
        elif reply.status is not None and not reply.is_whole:
            yield from self._show(self._best_other(), instead_of=reply.status)
        elif isinstance(news, CallStatus):
            if missing := missing_arguments(reply.said.tool_calls, reply.so_far.tool_calls):
                yield Delta(tool_calls=missing)
        else:
            self._limit = self._deadline.share(SILENCE_SHARE)
            yield Delta(text=news) if isinstance(news, str) else Delta.of(news)

    def _update(self, reply: _Reply, news: Piece | CallStatus) -> None:
        reply.late = False
        if isinstance(news, CallStatus):
            self._end_reply(reply, news)
        else:
            reply.said.add(news)
            if isinstance(news, ToolCallPiece):
                self._begin_call(reply, news)

    def _end_reply(self, reply: _Reply, status: CallStatus) -> None:
        """Ends a reply; one that is whole but empty or not valid fails."""
        if status is CallStatus.OK and not reply.said.is_answer:
            status = CallStatus.EMPTY
        if status is CallStatus.OK:
            reply.answer = self._checked(reply)
            status = CallStatus.MALFORMED if reply.answer is None else CallStatus.OK
        reply.status = status

    def _checked(self, reply: _Reply) -> Answer | None:
        shown = shown_labels(reply.said.text, reply.call.messages, reply.call.nonce)
        answer = None if shown else self._run.checked(reply.so_far)
        if answer is None or reply.choices is None:
            return answer
        if self._run.form.choice(answer) in reply.choices:
            return answer
        problems = ("chooses what no model proposed",)
        self._run.invalid.append(InvalidAnswer(answer=answer, problems=problems))
        return None

    def _begin_call(self, reply: _Reply, piece: ToolCallPiece) -> None:
        """Ends a reply that makes a call that it may not make; shows one that makes another call."""
        no_tool = reply.choices == frozenset({NO_TOOL})
        if piece.name and (no_tool or not self._run.form.has_tool(piece.name)):
            self._end_reply(reply, CallStatus.OK)  # its problems void it
        elif reply.choices is None:
            reply.held = False  # beside a call, any text is valid

    async def _silence(self) -> Iterator[Change]:
        """Shows another reply or starts a further writer after a long silence."""
        for reply in self._replies:
            if self._shown is None or reply is self._shown:
                reply.late = True
        other = self._best_other()
        if other is not None:
            return self._show(other, instead_of=CallStatus.TIMEOUT)
        writer = await self._next_writer() if self._deadline.remaining_s() > 0 else None
        if writer is not None:
            self._start(writer)
        else:
            self._limit = self._deadline  # no other call can do better
        return iter(())

    def _partial(self) -> _Reply | None:
        """Returns the reply to give unfinished: the shown one, or else the longest."""
        begun = [each for each in self._replies if not each.has_ended and each.said.text]
        if not begun or not self._run.takes_partial:
            return None
        partial = max(begun, key=lambda each: (each is self._shown, len(each.said.text)))
        partial.answer = replace(partial.so_far, finish_reason=FinishReason.DEADLINE)
        return partial

    def _best_other(self) -> _Reply | None:
        """Returns the reply to show instead: a whole one, or else one that has begun."""
        others = [r for r in self._replies if r is not self._shown and r.may_stand and not r.late]
        return max(others, key=lambda reply: reply.is_whole, default=None)

    def _show(self, reply: _Reply | None, *, instead_of: CallStatus) -> Iterator[Change]:
        if self._shown is not None:
            yield Reset(status=instead_of)
        self._shown = reply
        if reply is not None:
            self._run.record_first_delta()
            self._limit = self._deadline.share(SILENCE_SHARE)
            yield Delta.whole(reply.so_far)

    def _last(self) -> Iterator[Change]:
        """Yields the end if no whole reply is shown: another whole reply, a partial one, or none."""
        for reply in self._replies:
            reply.late = reply.late or reply.status is None
        end = next((reply for reply in self._replies if reply.is_whole), None) or self._partial()
        if end is not self._shown:
            yield from self._show(end, instead_of=CallStatus.TIMEOUT)
