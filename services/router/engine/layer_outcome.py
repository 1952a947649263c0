"""One layer: what its models are asked, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.router.prompts.replies import read_reply
from services.router.routing.events import Answer

if TYPE_CHECKING:
    from services.router.backends.call import ModelCall
    from services.router.prompts.prompts import Reference
    from services.router.prompts.replies import Reply
    from services.router.types.ledger import LedgerEntry


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
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def answer(self) -> Answer:
        """What was said."""
        return Answer(
            model_id=self.model_id,
            text=self.reply.answer,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            self_score=self.reply.self_score,
            grades=self.reply.grades,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOutcome:
    """What came of a layer."""

    answered: tuple[Answered, ...]
    """In the order in which the models were picked; those that stood in for others come last."""
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
        return tuple(answered.answer for answered in self.answered)
