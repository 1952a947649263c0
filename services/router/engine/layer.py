"""Runs the models of a layer together, and does not wait for the slowest.

A model that fails is dropped. A model that is silent for longer than usual gets a backup: one more
model runs, and the layer still waits for as many answers as it has slots. Once a quorum has answered,
the rest get a grace period in proportion to the quorum's time. Then they are cancelled, and so are
models that can no longer change the outcome. While nobody has answered, the layer continues beyond its
share of the time: further models start beside those at work, and the first answer ends it. Every call
is booked.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from services.router.backends.call_failure import status_of_exception
from services.router.engine.proposals import LayerOutcome
from services.router.routing.finished_answer import booked_answer
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.backends.generator import Generator
    from services.router.engine.patience import Overtime, Patience
    from services.router.engine.proposals import Proposal
    from services.router.routing.events import Answer
    from services.router.types.deadline import Deadline
    from services.router.types.ledger import Ledger, LedgerEntry


class LayerPolicy(Protocol):
    """Decides how a layer ends; see `layer_policy`."""

    @property
    def ends_early(self) -> bool:
        """True if majorities, backup models and speculative answers may end the layer early."""

    def checked(self, answer: Answer) -> Answer | None:
        """Returns an answer in its normal form; None, and records it, if it is not valid."""

    def partial(self, proposal: Proposal) -> Answer | None:
        """Returns the answer in a reply that the caller's deadline cut off; None if it has no use."""

    def is_settled(self, answers: Sequence[Answer], pending: Sequence[str]) -> bool:
        """Returns whether the pending models can no longer change the outcome."""

    async def next_backup(self) -> Proposal | None:
        """Returns a request to a backup model, with its room reserved; None if there is none."""

    async def start_speculative_answer(self, answers: Sequence[Answer]) -> None:
        """Starts the final answer from the answers of a quorum, if that is worth it."""

    async def next_models(self, count: int) -> list[Proposal]:
        """Returns up to `count` requests to further models, with their room reserved."""


async def run_layer(
    proposals: Sequence[Proposal],
    generator: Generator,
    policy: LayerPolicy,
    *,
    deadline: Deadline,
    overtime: Overtime | None,
    patience: Patience,
    ledger: Ledger,
) -> LayerOutcome:
    """Runs models together and returns their answers. Never raises for a model.

    Args:
        proposals: The request to each model.
        generator: Runs the calls.
        policy: Decides how the layer ends early or continues.
        deadline: The end of the layer's share of the time.
        overtime: The time after that if nobody has answered; None if there is none.
        patience: The wait for slower models.
        ledger: The ledger of the calls.
    """
    layer = _Layer(
        proposals, generator, policy, deadline=deadline, overtime=overtime, patience=patience
    )
    try:
        await layer.run()
    finally:
        # Also if the caller goes away: used tokens are billed.
        outcome = layer.book(ledger)
    return outcome


@dataclass(slots=True, kw_only=True, eq=False)
class _Slot:
    """One model at work."""

    proposal: Proposal
    backup_at_s: float = math.inf
    """Time at which it gets a backup if it is still silent."""
    has_backup: bool = False
    late: bool = False
    """True if it was still at work when the layer's share of the time was over."""
    status: CallStatus | None = None
    """Status of its call; None while it runs."""
    answer: Answer | None = None
    """Its answer, once the call has ended with a valid one."""

    @property
    def model_id(self) -> str:
        return self.proposal.call.model.id


class _Layer:
    def __init__(
        self,
        proposals: Sequence[Proposal],
        generator: Generator,
        policy: LayerPolicy,
        *,
        deadline: Deadline,
        overtime: Overtime | None,
        patience: Patience,
    ) -> None:
        self._generator = generator
        self._policy = policy
        self._deadline = deadline
        self._overtime = overtime
        self._in_overtime = False
        self._patience = patience
        self._wanted = list(proposals)
        self._quorum = max(1, math.ceil(len(proposals) * patience.quorum_share))
        self._started_s = time.monotonic()
        self._until_s = deadline.at_s
        """End of the wait."""
        self._speculate_at_s = math.inf
        self._in_grace_period = False
        self._slots: dict[asyncio.Task[None], _Slot] = {}

    async def run(self) -> None:
        """Runs the models until enough have answered, or the time is over."""
        async with asyncio.TaskGroup() as group:
            for proposal in self._wanted:
                self._start(group, proposal)
            speculation = await self._wait(group)
            if speculation is not None:
                speculation.cancel()
            enough = self._has_quorum or self._is_over()
            for task, slot in self._slots.items():
                if slot.status is None:
                    in_time = enough and not slot.late
                    slot.status = CallStatus.CANCELLED if in_time else CallStatus.TIMEOUT
                    task.cancel()
        self._take_partial()

    def book(self, ledger: Ledger) -> LayerOutcome:
        """Books every call and returns the outcome of the layer."""
        answers: list[Answer] = []
        entries: list[LedgerEntry] = []
        for slot in self._slots.values():
            booked = slot.proposal.call.book(ledger, slot.status or CallStatus.CANCELLED)
            entries += booked
            if slot.answer is not None:
                answers.append(booked_answer(slot.answer, booked))
        return LayerOutcome(
            answers=tuple(answers),
            entries=tuple(entries),
            duration_s=time.monotonic() - self._started_s,
        )

    def _take_partial(self) -> None:
        """Takes the text of the first model that wrote any, if nobody answered in time."""
        if self._answered:
            return
        for slot in self._slots.values():
            if slot.status is CallStatus.TIMEOUT:
                slot.answer = self._policy.partial(slot.proposal)
            if slot.answer is not None:
                return

    def _start(self, group: asyncio.TaskGroup, proposal: Proposal) -> None:
        proposal.call.deadline = self._deadline
        slot = _Slot(proposal=proposal)
        usual_s = self._generator.usual_silence_s(slot.model_id)
        if usual_s is not None and self._policy.ends_early:
            slot.backup_at_s = time.monotonic() + usual_s
        self._slots[group.create_task(self._run(slot))] = slot

    async def _run(self, slot: _Slot) -> None:
        try:
            async with aclosing(self._generator.stream(slot.proposal.call)) as pieces:
                async for _ in pieces:
                    slot.backup_at_s = math.inf
            answer = slot.proposal.read()
            if not (answer.text or answer.tool_calls or answer.refusal):
                slot.status = CallStatus.EMPTY
                return
            if not slot.proposal.asks_for_answer:
                slot.answer = answer
            elif not slot.proposal.shows_labels:
                slot.answer = self._policy.checked(answer)
            slot.status = CallStatus.MALFORMED if slot.answer is None else CallStatus.OK
        except Exception as error:  # noqa: BLE001  # no model's failure ends the layer
            slot.status = status_of_exception(error, slot.model_id)

    async def _wait(self, group: asyncio.TaskGroup) -> asyncio.Task[None] | None:
        """Waits until the layer is over; returns the task of a speculative answer, if any."""
        speculation = None
        pending = set(self._slots)
        while pending and not self._is_over():
            wake_s = min(self._until_s, self._speculate_at_s, self._next_backup_at_s())
            done, _ = await asyncio.wait(
                pending,
                timeout=max(0.0, wake_s - time.monotonic()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            now_s = time.monotonic()
            if done:
                self._start_grace_period(now_s)
            elif now_s >= self._until_s:
                if not await self._continue(group):
                    break
            elif now_s >= self._speculate_at_s:
                self._speculate_at_s = math.inf
                speculation = group.create_task(
                    self._policy.start_speculative_answer(self._answers())
                )
            else:
                await self._start_backups(group, now_s)
            pending = {task for task, slot in self._slots.items() if slot.status is None}
        return speculation

    async def _continue(self, group: asyncio.TaskGroup) -> bool:
        """Continues in overtime with further models; returns False if the layer ends instead."""
        overtime = self._overtime
        if overtime is None or self._answered or overtime.deadline.remaining_s() <= 0:
            return False
        self._in_overtime = True
        self._deadline = overtime.deadline
        for slot in self._slots.values():
            slot.late = True
            slot.proposal.call.deadline = overtime.deadline
        further = await self._policy.next_models(len(self._wanted))
        for proposal in further:
            self._start(group, proposal)
        pause = overtime.deadline.share(overtime.share) if further else overtime.deadline
        self._until_s = pause.at_s
        return True

    def _start_grace_period(self, now_s: float) -> None:
        """Starts the grace period once a quorum has answered."""
        if self._in_grace_period or not self._has_quorum:
            return
        self._in_grace_period = True
        grace_s = (now_s - self._started_s) * self._patience.grace_share
        grace_s = max(self._patience.min_grace_s, grace_s)
        self._until_s = min(self._deadline.at_s, now_s + grace_s)
        if self._policy.ends_early:
            self._speculate_at_s = now_s + self._patience.min_grace_s

    async def _start_backups(self, group: asyncio.TaskGroup, now_s: float) -> None:
        """Starts a backup for each model that has been silent for too long."""
        for slot in list(self._slots.values()):
            if slot.backup_at_s > now_s or slot.status is not None:
                continue
            slot.backup_at_s = math.inf
            backup = await self._policy.next_backup()
            if backup is not None:
                slot.has_backup = True
                self._start(group, backup)

    def _next_backup_at_s(self) -> float:
        times_s = (slot.backup_at_s for slot in self._slots.values() if slot.status is None)
        return min(times_s, default=math.inf)

    def _is_over(self) -> bool:
        """Returns whether the layer need not wait for any other model."""
        answered = self._answered
        if len(answered) >= len(self._wanted) or (answered and self._in_overtime):
            return True
        if not answered or not self._policy.ends_early:
            return False
        # A model and its backup share one slot: only one of them still counts.
        pending = [
            slot.model_id
            for slot in self._slots.values()
            if slot.status is None and not slot.has_backup
        ]
        return self._policy.is_settled(self._answers(), pending)

    def _answers(self) -> list[Answer]:
        return [slot.answer for slot in self._slots.values() if slot.answer is not None]

    @property
    def _answered(self) -> list[_Slot]:
        return [slot for slot in self._slots.values() if slot.answer is not None]

    @property
    def _has_quorum(self) -> bool:
        return len(self._answered) >= self._quorum
