"""One layer: the picked models run together.

A model that fails is dropped. Once a quorum has answered, the rest get a grace period in proportion to
what the quorum took, and are then cancelled; nobody waits for the slowest, nor for anybody who
could not change what the others came to. Whatever happens, every call leaves a ledger entry.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.router.calls import CallFailedError, ModelCall
from services.router.events import Answer
from services.router.ledger import CallStatus, Ledger, LedgerEntry, answer_tokens
from services.router.replies import Reply, read_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from services.router.deadline import Deadline
    from services.router.generation import Generator
    from services.router.prompts import Reference

    IsSettled = Callable[[Mapping[str, str], Sequence[str]], bool]
    """Says of answers by model, and of models still at work, whether the latter can be left out."""


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
class Proposal:
    """What one model of a layer is asked to do."""

    call: ModelCall
    nonce: str
    references: tuple[Reference, ...]

    def read(self) -> Reply:
        """Returns what the model replied."""
        return read_reply(self.call.text, self.nonce, self.references)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A model's answer, and the tokens that it took."""

    model_id: str
    reply: Reply
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOutcome:
    """What came of a layer."""

    answered: tuple[Answered, ...]
    """In the order in which the models were picked."""
    entries: tuple[LedgerEntry, ...]
    """One or more per model, failed and cancelled ones too."""
    duration_s: float

    def followed_by(self, other: LayerOutcome) -> LayerOutcome:
        """Returns this outcome with the calls and the time of another that belongs to the layer."""
        return replace(
            self,
            entries=self.entries + other.entries,
            duration_s=self.duration_s + other.duration_s,
        )

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What was said, in the order in which the models were picked."""
        return tuple(
            Answer(
                model_id=answered.model_id,
                text=answered.reply.answer,
                prompt_tokens=answered.prompt_tokens,
                completion_tokens=answered.completion_tokens,
                self_score=answered.reply.self_score,
                grades=answered.reply.grades,
            )
            for answered in self.answered
        )


async def run_layer(
    proposals: Sequence[Proposal],
    generator: Generator,
    *,
    deadline: Deadline,
    patience: Patience,
    ledger: Ledger,
    is_settled: IsSettled | None = None,
) -> LayerOutcome:
    """Runs models together and returns what they said by the deadline. Never raises for a model."""
    started_s = time.monotonic()
    for proposal in proposals:
        proposal.call.deadline = deadline
    statuses: dict[int, CallStatus] = {}
    replies = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {
                group.create_task(_run(proposal.call, generator)): number
                for number, proposal in enumerate(proposals)
            }
            late = await _wait(
                tasks,
                statuses,
                deadline,
                patience,
                lambda: is_settled is not None and is_settled(*_so_far(proposals, statuses)),
            )
            for task, number in tasks.items():
                if number not in statuses:
                    statuses[number] = late
                    task.cancel()
        for number, proposal in enumerate(proposals):
            reply = proposal.read()
            replies.append(reply)
            if statuses[number] is CallStatus.OK and not reply.answer:
                statuses[number] = CallStatus.EMPTY
    finally:
        # Also when the caller goes away: what was used is billed.
        booked = [
            proposal.call.book(ledger, statuses.get(number, CallStatus.CANCELLED))
            for number, proposal in enumerate(proposals)
        ]
    return LayerOutcome(
        answered=tuple(
            _answered(proposal.call, reply, entries)
            for number, (proposal, reply, entries) in enumerate(
                zip(proposals, replies, booked, strict=True)
            )
            if statuses[number] is CallStatus.OK
        ),
        entries=tuple(entry for entries in booked for entry in entries),
        duration_s=time.monotonic() - started_s,
    )


def _answered(call: ModelCall, reply: Reply, entries: Sequence[LedgerEntry]) -> Answered:
    prompt_tokens, completion_tokens = answer_tokens(entries)
    return Answered(
        model_id=call.model.id,
        reply=reply,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )


def _so_far(
    proposals: Sequence[Proposal], statuses: Mapping[int, CallStatus]
) -> tuple[dict[str, str], list[str]]:
    """Returns the answers that are there, by model, and the models that are still at work."""
    models = [proposal.call.model.id for proposal in proposals]
    done = [number for number, status in statuses.items() if status is CallStatus.OK]
    answers = {models[number]: proposals[number].read().answer for number in done}
    return answers, [model for number, model in enumerate(models) if number not in statuses]


async def _wait(
    tasks: dict[asyncio.Task[CallStatus], int],
    statuses: dict[int, CallStatus],
    deadline: Deadline,
    patience: Patience,
    settled: Callable[[], bool],
) -> CallStatus:
    """Waits for a quorum and its grace; returns what is to be said of those that are late."""
    started_s = time.monotonic()
    quorum = max(1, math.ceil(len(tasks) * patience.quorum_share))
    wait_until_s = deadline.at_s
    pending = set(tasks)
    quorum_met = False
    while pending:
        timeout_s = max(0.0, wait_until_s - time.monotonic())
        done, pending = await asyncio.wait(
            pending, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            break
        for task in done:
            statuses[tasks[task]] = task.result()
        if settled():
            return CallStatus.CANCELLED
        ok_count = sum(status is CallStatus.OK for status in statuses.values())
        if not quorum_met and ok_count >= quorum:
            quorum_met = True
            now_s = time.monotonic()
            grace_s = max(patience.min_grace_s, (now_s - started_s) * patience.grace_share)
            wait_until_s = min(deadline.at_s, now_s + grace_s)
    return CallStatus.CANCELLED if quorum_met else CallStatus.TIMEOUT


async def _run(call: ModelCall, generator: Generator) -> CallStatus:
    try:
        async with aclosing(generator.stream(call)) as pieces:
            async for _ in pieces:
                pass
    except CallFailedError as error:
        return error.status
    else:
        return CallStatus.OK
