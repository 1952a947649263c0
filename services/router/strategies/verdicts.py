"""What a judge and a moderator are asked of a layer's answers, and what they say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.router.backends.call import ModelCall
from services.router.engine.layer_outcome import Proposal
from services.router.engine.proposals import shuffled_references
from services.router.prompts import prompts
from services.router.prompts.protocol import MODERATION, SELECTION, new_nonce
from services.router.prompts.replies import Reply
from services.router.types.ledger import CallPurpose

if TYPE_CHECKING:
    from services.router.engine.run import Run
    from services.router.pool.pool import PoolModel

_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Proposal):
    """A call whose reply is a verdict, not an answer."""

    def read(self) -> Reply:
        """Returns the reply as it is."""
        return Reply(answer=self.call.text.strip())


def selection(run: Run, model: PoolModel) -> Question:
    """Asks which of the newest answers to keep."""
    nonce = new_nonce()
    references = shuffled_references(run, model, nonce)
    call = ModelCall(
        model=model,
        session=run.conversation.session,
        messages=prompts.judge(run.conversation, references, nonce, run.policy.kept_answers),
        purpose=CallPurpose.SELECTION,
        layer_number=len(run.reports) + 1,
    )
    return Question(call=call, nonce=nonce, references=references)


def moderation(run: Run, model: PoolModel) -> Question:
    """Asks whether the newest answers leave anything to debate."""
    nonce = new_nonce()
    references = shuffled_references(run, model, nonce)
    call = ModelCall(
        model=model,
        session=run.conversation.session,
        messages=prompts.moderator(run.conversation, references, nonce),
        purpose=CallPurpose.MODERATION,
        layer_number=len(run.reports) + 1,
    )
    return Question(call=call, nonce=nonce, references=references)


def kept_model_ids(question: Question) -> tuple[str, ...]:
    """Returns whose answers a judge keeps, in its order; none if its reply does not say."""
    labels = _verdict(question, SELECTION).get("keep")
    if not isinstance(labels, list):
        return ()
    by_label = {reference.label: reference.model_id for reference in question.references}
    named = [label for label in labels if isinstance(label, str) and label in by_label]
    return tuple(by_label[label] for label in dict.fromkeys(named))


def is_over(question: Question) -> bool:
    """Says whether a moderator ends the debate; it goes on if its reply does not say."""
    return _verdict(question, MODERATION).get("over") is True


def _verdict(question: Question, mark: str) -> dict[str, Any]:
    """Reads the object behind the last mark with the right nonce. Never raises, whatever the text."""
    _, found, rest = question.call.text.rpartition(f"{mark} {question.nonce}")
    try:
        value, _ = _DECODER.raw_decode(rest.lstrip()) if found else ({}, 0)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
