"""Questions to the judge and the moderator of `smoa`, and their verdicts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.router.engine.proposals import Proposal, model_call, shuffled_references
from services.router.prompts import prompts
from services.router.prompts.prompts import MODERATION, SELECTION, new_nonce
from services.router.prompts.replies import Reply
from services.router.types.ledger import CallPurpose

if TYPE_CHECKING:
    from services.router.engine.run import Run
    from services.router.pool.model import PoolModel

_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Proposal):
    """A request whose reply is a verdict, not an answer."""

    def _reply(self) -> Reply:
        """Returns the reply unchanged."""
        return Reply(answer=self.call.text.strip())


def selection(run: Run, model: PoolModel) -> Question:
    """Returns the question which of the newest answers to keep."""
    nonce = new_nonce()
    references = shuffled_references(run, model, nonce)
    messages = prompts.judge(run.conversation, references, nonce, run.policy.kept_answer_count)
    call = model_call(run, model, messages, purpose=CallPurpose.SELECTION)
    return Question(call=call, nonce=nonce, references=references)


def moderation(run: Run, model: PoolModel) -> Question:
    """Returns the question whether the debate of the newest answers is over."""
    nonce = new_nonce()
    references = shuffled_references(run, model, nonce)
    messages = prompts.moderator(run.conversation, references, nonce)
    call = model_call(run, model, messages, purpose=CallPurpose.MODERATION)
    return Question(call=call, nonce=nonce, references=references)


def kept_model_ids(question: Question) -> tuple[str, ...]:
    """Returns the models whose answers the judge keeps, in its order; empty without a verdict."""
    labels = _verdict(question, SELECTION).get("keep")
    if not isinstance(labels, list):
        return ()
    by_label = {reference.label: reference.model_id for reference in question.references}
    named = [label for label in labels if isinstance(label, str) and label in by_label]
    return tuple(by_label[label] for label in dict.fromkeys(named))


def is_over(question: Question) -> bool:
    """Returns whether the moderator ends the debate; False without a verdict."""
    return _verdict(question, MODERATION).get("over") is True


def _verdict(question: Question, mark: str) -> dict[str, Any]:
    """Returns the object after the last mark with the right nonce. Never raises, whatever the text."""
    _, found, rest = question.call.text.rpartition(f"{mark} {question.nonce}")
    try:
        value, _ = _DECODER.raw_decode(rest.lstrip()) if found else ({}, 0)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
