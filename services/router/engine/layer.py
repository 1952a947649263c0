"""A layer at work: the picked models run together, and nobody waits for the slowest.

A model that fails is dropped. One that is silent for longer than is usual for it gets a stand-in: one
more model runs, and as many answers are waited for as the layer has seats. Once a quorum has answered,
the rest get a grace period in proportion to what the quorum took, and are then cancelled; so is anybody
who could not change what the others came to. Whatever happens, every call leaves a ledger entry.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.backends.call import CallFailedError
from services.router.engine.layer_outcome import Answered, LayerOutcome, Proposal
from services.router.types.ledger import CallStatus, answer_tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from services.router.backends.generator import Generator
    from services.router.prompts.replies import Reply
    from services.router.routing.events import Answer
    from services.router.types.deadline import Deadline
    from services.router.types.ledger import Ledger, LedgerEntry

    IsSettled = Callable[[Mapping[str, str], Sequence[str]], bool]
    """Says of answers by model, and of models still at work, whether the latter can be left out."""
    NextStandIn = Callable[[], Awaitable[Proposal | None]]
    """Returns who runs as well where a model is silent; None if nobody does."""
    BeginDraft = Callable[[Sequence[Answer]], Coroutine[None, None, None]]
    """Called once, a moment after the quorum's answers, while others are still waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a layer waits for its slower models."""

    quorum_share: float = 0.6
    """Share of the models whose answers are enough to start the clock; rounded up."""
    grace_share: float = 1.0
    """Time the rest still get, as a share of what the quorum took."""
    min_grace_s: float = 0.1
    """Least time the rest get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcuts:
    """What lets a layer end before its slowest model, beside quorum and grace. All may be left out."""

    is_settled: IsSettled | None = None
    next_stand_in: NextStandIn | None = None
    begin_draft: BeginDraft | None = None


async def run_layer(
    proposals: Sequence[Proposal],
    generator: Generator,
    *,
    deadline: Deadline,
    patience: Patience,
    ledger: Ledger,
    shortcuts: Shortcuts,
) -> LayerOutcome:
    """Runs models together and returns what they said by the deadline. Never raises for a model."""
    running = _RunningLayer(proposals, generator, deadline, patience, shortcuts)
    try:
        await running.run()
    finally:
        # Also when the caller goes away: what was used is billed.
        outcome = running.book(ledger)
    return outcome


@dataclass(slots=True, kw_only=True, eq=False)
class _Seat:
    """One model at work."""

    proposal: Proposal
    silent_until_s: float = math.inf
    """When it has been silent for too long; infinite once it has written."""
    replaced: bool = False
    """Whether another model runs in its place."""
    status: CallStatus | None = None
    """How its call ended; None while it runs."""

    @property
    def model_id(self) -> str:
        return self.proposal.call.model.id

    def reply(self) -> Reply | None:
        """Returns what the model replied; None if its call brought no answer."""
        if self.status is not CallStatus.OK:
            return None
        reply = self.proposal.read()
        if not reply.answer:
            self.status = CallStatus.EMPTY
            return None
        return reply


class _RunningLayer:
    def __init__(
        self,
        proposals: Sequence[Proposal],
        generator: Generator,
        deadline: Deadline,
        patience: Patience,
        shortcuts: Shortcuts,
    ) -> None:
        self._generator = generator
        self._deadline = deadline
        self._patience = patience
        self._shortcuts = shortcuts
        self._wanted = list(proposals)
        self._quorum = max(1, math.ceil(len(proposals) * patience.quorum_share))
        self._started_s = time.monotonic()
        self._until_s = deadline.at_s
        """When the layer ends whoever is still at work."""
        self._draft_at_s = math.inf
        self._clock_runs = False
        """Whether a quorum has answered, so that the rest are in their grace period."""
        self._tasks: dict[asyncio.Task[None], _Seat] = {}

    async def run(self) -> None:
        """Runs the models until enough of them have answered, or the time is up."""
        async with asyncio.TaskGroup() as group:
            for proposal in self._wanted:
                self._start(group, proposal)
            drafting = await self._wait(group)
            if drafting is not None:
                drafting.cancel()
            enough = self._has_quorum or self._is_over()
            late = CallStatus.CANCELLED if enough else CallStatus.TIMEOUT
            for task, seat in self._tasks.items():
                if seat.status is None:
                    seat.status = late
                    task.cancel()

    def book(self, ledger: Ledger) -> LayerOutcome:
        """Puts every call into the ledger and returns what came of the layer."""
        answered: list[Answered] = []
        entries: list[LedgerEntry] = []
        for seat in self._tasks.values():
            reply = seat.reply()
            booked = seat.proposal.call.book(ledger, seat.status or CallStatus.CANCELLED)
            entries += booked
            if reply is not None:
                prompt_tokens, completion_tokens = answer_tokens(booked)
                answered.append(
                    Answered(
                        model_id=seat.model_id,
                        reply=reply,
                        prompt_tokens=prompt_tokens,
                        completion_tokens=completion_tokens,
                    )
                )
        return LayerOutcome(
            answered=tuple(answered),
            entries=tuple(entries),
            duration_s=time.monotonic() - self._started_s,
        )

    def _start(self, group: asyncio.TaskGroup, proposal: Proposal) -> None:
        proposal.call.deadline = self._deadline
        seat = _Seat(proposal=proposal)
        usual_s = self._generator.usual_silence_s(seat.model_id)
        if usual_s is not None and self._shortcuts.next_stand_in is not None:
            seat.silent_until_s = time.monotonic() + usual_s
        self._tasks[group.create_task(self._run(seat))] = seat

    async def _run(self, seat: _Seat) -> None:
        try:
            async with aclosing(self._generator.stream(seat.proposal.call)) as pieces:
                async for _ in pieces:
                    seat.silent_until_s = math.inf
        except CallFailedError as error:
            seat.status = error.status
        else:
            seat.status = CallStatus.OK

    async def _wait(self, group: asyncio.TaskGroup) -> asyncio.Task[None] | None:
        """Waits until the layer is over; returns who began a draft on the way, if anybody did."""
        drafting = None
        pending = set(self._tasks)
        while pending and not self._is_over():
            wake_s = min(self._until_s, self._draft_at_s, self._silent_until_s())
            done, _ = await asyncio.wait(
                pending,
                timeout=max(0.0, wake_s - time.monotonic()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            now_s = time.monotonic()
            if done:
                self._note_quorum(now_s)
            elif now_s >= self._until_s:
                break
            elif now_s >= self._draft_at_s:
                self._draft_at_s = math.inf
                drafting = self._draft(group)
            else:
                await self._replace_silent(group, now_s)
            pending = {task for task, seat in self._tasks.items() if seat.status is None}
        return drafting

    def _note_quorum(self, now_s: float) -> None:
        """Starts the clocks once a quorum has answered."""
        if self._clock_runs or not self._has_quorum:
            return
        self._clock_runs = True
        grace_s = (now_s - self._started_s) * self._patience.grace_share
        grace_s = max(self._patience.min_grace_s, grace_s)
        self._until_s = min(self._deadline.at_s, now_s + grace_s)
        if self._shortcuts.begin_draft is not None:
            self._draft_at_s = now_s + self._patience.min_grace_s

    def _draft(self, group: asyncio.TaskGroup) -> asyncio.Task[None] | None:
        begin = self._shortcuts.begin_draft
        answers = [
            Answered(model_id=seat.model_id, reply=seat.proposal.read()).answer
            for seat in self._answered
        ]
        return None if begin is None else group.create_task(begin(answers))

    async def _replace_silent(self, group: asyncio.TaskGroup, now_s: float) -> None:
        """Has another model run for each that is silent for too long."""
        for seat in list(self._tasks.values()):
            if seat.silent_until_s > now_s or seat.status is not None:
                continue
            seat.silent_until_s = math.inf
            ask = self._shortcuts.next_stand_in
            stand_in = None if ask is None else await ask()
            if stand_in is not None:
                seat.replaced = True
                self._start(group, stand_in)

    def _silent_until_s(self) -> float:
        silent = (seat.silent_until_s for seat in self._tasks.values() if seat.status is None)
        return min(silent, default=math.inf)

    def _is_over(self) -> bool:
        """Says whether nobody else need be waited for."""
        answered = self._answered
        if len(answered) >= len(self._wanted):
            return True
        if self._shortcuts.is_settled is None or not answered:
            return False
        answers = {seat.model_id: seat.proposal.read().answer for seat in answered}
        # Whoever is replaced shares a seat with the stand-in: only one of them is still to be counted.
        pending = [
            seat.model_id
            for seat in self._tasks.values()
            if seat.status is None and not seat.replaced
        ]
        return self._shortcuts.is_settled(answers, pending)

    @property
    def _answered(self) -> list[_Seat]:
        return [seat for seat in self._tasks.values() if seat.status is CallStatus.OK]

    @property
    def _has_quorum(self) -> bool:
        return len(self._answered) >= self._quorum
