"""Asks one model, several questions at a time, until enough is known or a limit is reached."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from services.examination.asking.answer import Answer, GivenUp
from services.examination.asking.pause import MAX_FAILURES, MAX_PAUSE_S, Pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.examination.asking.answer import Entry, Failure, Outcome
    from services.examination.asking.purse import Purse
    from services.examination.asking.sheet import Sheet
    from services.examination.questions.question import Question
    from services.router.pool.model import PoolModel


class Asks(Protocol):
    """Asks a model a question; see `Caller.ask`."""

    async def ask(self, model: PoolModel, question: Question) -> Outcome:
        """Asks a question once, and marks the reply."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of each model's questions."""

    max_questions: int
    """Questions per model, those of earlier runs included."""
    until_s: float
    """No question is asked after it, on the monotonic clock."""
    parallel: int
    """Questions at a time, per model."""


class Interview:
    """The examination of one model.

    Args:
        model: The model.
        caller: Asks it.
        sheet: The marks of all models.
        purse: The dollars that may be spent.
        limits: The other limits.
        worst_usd: Returns the most dollars that a question can cost.
        keep: Writes what has been found out.
        pause: Waits after failures.
    """

    def __init__(
        self,
        model: PoolModel,
        *,
        caller: Asks,
        sheet: Sheet,
        purse: Purse,
        limits: Limits,
        worst_usd: Callable[[PoolModel, Question], float],
        keep: Callable[[Entry], None],
        pause: Pause,
    ) -> None:
        self._model = model
        self._caller = caller
        self._sheet = sheet
        self._purse = purse
        self._limits = limits
        self._worst_usd = worst_usd
        self._keep = keep
        self._pause = pause
        self._running: set[asyncio.Task[None]] = set()
        self._last_failure: Failure | None = None

    async def run(self) -> None:
        """Asks until nothing more is to be asked; at least one call at a time."""
        try:
            while not self._pause.hopeless:
                if len(self._running) >= self._pause.allowed(self._limits.parallel):
                    await self._one_done()
                    continue
                await self._pause.over()
                if (question := self._next_question()) is not None:
                    self._running.add(asyncio.create_task(self._ask(question)))
                elif self._running:
                    await self._one_done()  # it may fail, and leave a question to ask
                else:
                    return
            await self._all_done()
            self._keep(GivenUp(model=self._model.id, given_up=self._reason()))
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    def _next_question(self) -> Question | None:
        limits = self._limits
        asked = self._sheet.count_of(self._model.id) + len(self._running)
        if asked >= limits.max_questions or time.monotonic() >= limits.until_s:
            return None
        question = self._sheet.next_question(self._model.id)
        if question is None or self._purse.reserve(self._worst_usd(self._model, question)):
            return question
        self._sheet.put_back(self._model.id, question.id)
        return None

    async def _ask(self, question: Question) -> None:
        started_s, worst_usd = time.monotonic(), self._worst_usd(self._model, question)
        used_usd = worst_usd  # of a call that is cancelled, nobody knows
        try:
            outcome = await self._caller.ask(self._model, question)
            used_usd = outcome.entry.cost_usd
        finally:
            self._purse.settle(worst_usd, used_usd)
        self._keep(outcome.entry)
        if isinstance(outcome.entry, Answer):
            self._sheet.add(outcome.entry)
            self._pause.succeed()
            return
        self._last_failure = outcome.entry
        if outcome.try_again:
            self._sheet.put_back(self._model.id, question.id)
        self._pause.fail(outcome.retry_after_s, started_s=started_s)

    async def _one_done(self) -> None:
        done, self._running = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _all_done(self) -> None:
        while self._running:
            await self._one_done()

    def _reason(self) -> str:
        """Returns why the model was given up."""
        failure = self._last_failure
        assert failure is not None  # noqa: S101  # nothing else makes it hopeless
        reason = f"{MAX_FAILURES} calls in a row failed"
        if self._pause.failures < MAX_FAILURES:
            reason = f"it asks to be left alone for more than {MAX_PAUSE_S:.0f} seconds"
        words = f": {failure.message}" if failure.message else ""
        return f"{reason}, the last one as {failure.failure}{words}"
