"""Models, layers and policies that follow a script: each step comes after a pause."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.backends.call import ModelCall
from services.router.backends.call_failure import CallFailedError
from services.router.engine.layer import run_layer
from services.router.engine.patience import Overtime, Patience
from services.router.engine.proposals import Proposal
from services.router.types.deadline import Deadline
from services.router.types.ledger import CallPurpose, CallStatus, Ledger
from services.router.types.pieces import Piece
from tests.unit.router.pool_models import model

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

    from services.router.engine.proposals import LayerOutcome
    from services.router.routing.events import Answer

Step = tuple[float, Piece | CallStatus | Exception]
"""A pause in seconds, then a piece of the reply or a failure."""
PATIENCE = Patience(quorum_share=0.6, grace_share=1.0, min_grace_s=0.1)


class ScriptedGenerator:
    """Runs calls by scripts; a model without a script stays silent.

    Args:
        scripts: The steps of each model, by id.
        usual_s: The usual time to first token by model, where it is known.
    """

    def __init__(
        self,
        scripts: Mapping[str, Sequence[Step]],
        usual_s: Mapping[str, float] | None = None,
    ) -> None:
        self._scripts = scripts
        self._usual_s = usual_s or {}

    def unreachable(self, model_ids: Iterable[str]) -> frozenset[str]:
        return frozenset()

    def usual_silence_s(self, model_id: str) -> float | None:
        return self._usual_s.get(model_id)

    async def stream(self, call: ModelCall) -> AsyncGenerator[Piece, None]:
        for pause_s, step in self._scripts.get(call.model.id, ((1e6, ""),)):
            await asyncio.sleep(pause_s)
            if isinstance(step, CallStatus):
                raise CallFailedError(step)
            if isinstance(step, Exception):
                raise step
            call.add(step)
            yield step


def model_call(model_id: str) -> ModelCall:
    return ModelCall(
        model=model(4_000).model_copy(update={"id": model_id}),
        messages=(),
        purpose=CallPurpose.ANSWER,
        layer_number=1,
    )


def proposal(model_id: str) -> Proposal:
    return Proposal(call=model_call(model_id), nonce="0a0b0c0d", references=())


def _now_s() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class ScriptedPolicy:
    """A layer policy that follows a script and records the questions that it was asked."""

    ends_early: bool = True
    settled_count: int = 99
    """Answers that settle the layer."""
    invalid: Sequence[str] = ()
    """Texts that are no valid answers."""
    takes_partial: bool = False
    """True if the text of a cut-off model counts as its answer."""
    backups: Sequence[str] = ()
    further: Sequence[str] = ()
    speculation_s: float = 0.0
    """Time that it takes to start a speculative answer."""
    asked_if_settled: list[tuple[list[str], list[str]]] = field(default_factory=list)
    """The answers and the pending models of each question."""
    asked_for_backup_s: list[float] = field(default_factory=list)
    asked_for_further: list[tuple[float, int]] = field(default_factory=list)
    started: list[Proposal] = field(default_factory=list)
    """The further models that were started."""
    speculated: list[tuple[float, list[str]]] = field(default_factory=list)
    """The time and the answers of each speculative answer."""
    speculations: list[str] = field(default_factory=list)
    """The end of each speculative answer."""
    started_s: float = field(default_factory=_now_s)

    def __post_init__(self) -> None:
        self._backups = [proposal(model_id) for model_id in self.backups]
        self._further = [proposal(model_id) for model_id in self.further]

    def checked(self, answer: Answer) -> Answer | None:
        return None if answer.text in self.invalid else answer

    def partial(self, proposal: Proposal) -> Answer | None:
        answer = proposal.read()
        return answer if self.takes_partial and answer.text else None

    def is_settled(self, answers: Sequence[Answer], pending: Sequence[str]) -> bool:
        self.asked_if_settled.append(([answer.text for answer in answers], list(pending)))
        return len(answers) >= self.settled_count

    async def next_backup(self) -> Proposal | None:
        self.asked_for_backup_s.append(self._passed_s)
        return self._backups.pop(0) if self._backups else None

    async def start_speculative_answer(self, answers: Sequence[Answer]) -> None:
        self.speculated.append((self._passed_s, [answer.text for answer in answers]))
        try:
            await asyncio.sleep(self.speculation_s)
            self.speculations.append("whole")
        except asyncio.CancelledError:
            self.speculations.append("cancelled")
            raise

    async def next_models(self, count: int) -> list[Proposal]:
        self.asked_for_further.append((self._passed_s, count))
        found, self._further = self._further[:count], self._further[count:]
        self.started += found
        return found

    @property
    def _passed_s(self) -> float:
        return round(_now_s() - self.started_s, 3)


@dataclass
class Layer:
    """A layer to run: the scripts of its models in the order of their ranks, and its policy."""

    scripts: Mapping[str, Sequence[Step]]
    patience: Patience = PATIENCE
    policy: ScriptedPolicy = field(default_factory=lambda: ScriptedPolicy(ends_early=False))
    usual_s: Mapping[str, float] = field(default_factory=dict)
    beside: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    """Scripts of backup and further models."""
    deadline_s: float = 100.0
    overtime: Overtime | None = None
    ledger: Ledger = field(default_factory=Ledger)
    proposals: list[Proposal] = field(init=False)

    def __post_init__(self) -> None:
        self.proposals = [proposal(model_id) for model_id in self.scripts]

    async def run(self) -> LayerOutcome:
        return await run_layer(
            self.proposals,
            ScriptedGenerator({**self.scripts, **self.beside}, self.usual_s),
            self.policy,
            deadline=Deadline.after(self.deadline_s),
            overtime=self.overtime,
            patience=self.patience,
            ledger=self.ledger,
        )

    @property
    def statuses(self) -> dict[str, CallStatus]:
        return {entry.model_id: entry.status for entry in self.ledger.entries}


def at(*seconds: float) -> dict[str, list[Step]]:
    """Returns scripts of models a, b, c, ... that each write an answer after so many seconds."""
    return {name: [(each, f"{name} says")] for name, each in zip("abcdef", seconds, strict=False)}


def answered(outcome: LayerOutcome) -> list[str]:
    return [answer.model_id for answer in outcome.answers]
