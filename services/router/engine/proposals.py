"""What a model of a layer is asked: the conversation, the answers so far, and how to reply."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from services.router.backends.call import ModelCall
from services.router.engine.layer_outcome import Proposal
from services.router.prompts import prompts
from services.router.prompts.context_window import fit_references, labelled
from services.router.prompts.protocol import new_nonce
from services.router.types.ledger import CallPurpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.engine.run import Run
    from services.router.pool.pool import PoolModel
    from services.router.prompts.prompts import Reference
    from services.router.routing.events import Answer
    from services.router.types.conversation import Message


def assessed_proposal(run: Run, model: PoolModel) -> Proposal:
    """Asks for an answer, a score of its own, and grades of the answers so far."""
    nonce = new_nonce()
    references = shuffled_references(run, model, nonce)
    messages = prompts.proposer(run.conversation, references, nonce)
    return Proposal(call=_call(run, model, messages), nonce=nonce, references=references)


def plain_proposal(run: Run, model: PoolModel, *, role: str = "") -> Proposal:
    """Asks for an answer alone: the first one, or a better one than those so far."""
    nonce = new_nonce()
    references = shuffled_references(run, model, nonce)
    messages = (
        prompts.aggregator(run.conversation, references, nonce, role=role)
        if references
        else prompts.plain(run.conversation, role=role)
    )
    return Proposal(call=_call(run, model, messages), nonce=nonce, references=references)


def final_call(run: Run, model: PoolModel) -> ModelCall:
    """Asks for the final answer, without any protocol in it."""
    answers = [(answer.model_id, answer.text) for answer in run.readable]
    references = labelled(fit_references(model, run.conversation, answers))
    messages = (
        prompts.aggregator(run.conversation, references, new_nonce())
        if references
        else prompts.plain(run.conversation)
    )
    return _call(run, model, messages)


def aggregation_call(
    run: Run, model: PoolModel, answers: Sequence[Answer], *, layer_number: int
) -> ModelCall:
    """Asks for one answer out of several of a layer, given best first."""
    texts = [(answer.model_id, answer.text) for answer in answers]
    references = labelled(fit_references(model, run.conversation, texts))
    return ModelCall(
        model=model,
        session=run.conversation.session,
        messages=prompts.aggregator(run.conversation, references, new_nonce()),
        purpose=CallPurpose.AGGREGATION,
        layer_number=layer_number,
    )


def shuffled_references(run: Run, model: PoolModel, nonce: str) -> tuple[Reference, ...]:
    """Returns the answers that fit, in an order of the nonce's, so that no place in it is favoured."""
    answers = [(answer.model_id, answer.text) for answer in run.readable]
    fitting = list(fit_references(model, run.conversation, answers))
    random.Random(nonce).shuffle(fitting)  # noqa: S311  # fairness, not secrecy
    return labelled(fitting)


def _call(run: Run, model: PoolModel, messages: tuple[Message, ...]) -> ModelCall:
    return ModelCall(
        model=model,
        session=run.conversation.session,
        messages=messages,
        purpose=CallPurpose.ANSWER,
        layer_number=len(run.reports) + 1,
    )
