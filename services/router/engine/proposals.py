"""Proposals: what each model of a layer is asked, and the answers that come of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.router.backends.call import ModelCall
from services.router.prompts import prompts
from services.router.prompts.context_window import fit_references, labelled
from services.router.prompts.json_prompt import in_words
from services.router.prompts.prompts import new_nonce
from services.router.prompts.reference_text import reference_text
from services.router.prompts.replies import Reply, read_answer, read_reply
from services.router.prompts.shown_labels import shown_labels
from services.router.routing.events import Answer
from services.router.types.ledger import CallPurpose
from services.router.types.options import NO_OPTIONS, ToolChoice, ToolChoiceMode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.router.engine.run import Run
    from services.router.pool.model import PoolModel
    from services.router.prompts.prompts import Reference
    from services.router.types.ledger import LedgerEntry
    from services.router.types.messages import Message

    Propose = Callable[[Run, PoolModel], "Proposal"]
    """Returns the request to a model of a layer."""


WRITES_ANSWERS = frozenset({CallPurpose.ANSWER, CallPurpose.AGGREGATION})
"""Purposes of calls that the caller's options concern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A request to one model of a layer."""

    call: ModelCall
    nonce: str
    references: tuple[Reference, ...]

    @property
    def asks_for_answer(self) -> bool:
        """True if the reply must keep to the form that the request asks of its answer."""
        return self.call.purpose in WRITES_ANSWERS

    @property
    def shows_labels(self) -> bool:
        """True if the reply so far shows labels of the references to the user."""
        return bool(shown_labels(self._reply().answer, self.call.messages, self.nonce))

    def read(self) -> Answer:
        """Returns the answer in the reply so far; a refusal has no text.

        Calls to tools are left out if the model was given none.
        """
        call, reply = self.call, self._reply()
        return Answer(
            model_id=call.model.id,
            text="" if call.refusal else reply.answer,
            self_score=reply.self_score,
            grades=reply.grades,
            tool_calls=call.tool_calls if call.options.tools else (),
            refusal=call.refusal,
            reasoning=call.reasoning,
        )

    def _reply(self) -> Reply:
        return read_reply(self.call.text, self.nonce, self.references)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainProposal(Proposal):
    """A request for an answer alone."""

    def _reply(self) -> Reply:
        """Returns the text without marks of references that the model copied."""
        return Reply(answer=read_answer(self.call.text, self.nonce))


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOutcome:
    """The answers and ledger entries of a layer."""

    answers: tuple[Answer, ...]
    """In the order in which the models were picked; backup models come last."""
    entries: tuple[LedgerEntry, ...]
    """One or more per model, failed and cancelled calls included."""
    duration_s: float

    def followed_by(self, other: LayerOutcome) -> LayerOutcome:
        """Returns this outcome with the entries and the time of further calls of the same layer."""
        return replace(
            self,
            entries=self.entries + other.entries,
            duration_s=self.duration_s + other.duration_s,
        )


def assessed_proposal(run: Run, model: PoolModel) -> Proposal:
    """Returns a request for an answer, a self-score, and grades of the answers so far.

    Scores have no place in JSON or beside calls to tools: there it asks for the answer alone.
    """
    if not run.form.is_free:
        return plain_proposal(run, model)
    nonce = new_nonce()
    references = shuffled_references(run, model, nonce)
    messages = prompts.proposer(run.conversation, references, nonce)
    return Proposal(call=model_call(run, model, messages), nonce=nonce, references=references)


def plain_proposal(run: Run, model: PoolModel, *, role: str = "") -> PlainProposal:
    """Returns a request for an answer alone: the first one, or a better one than those so far."""
    nonce = new_nonce()
    references = shuffled_references(run, model, nonce)
    messages = (
        prompts.aggregator(run.conversation, references, nonce, role=role)
        if references
        else prompts.plain(run.conversation, role=role)
    )
    return PlainProposal(call=model_call(run, model, messages), nonce=nonce, references=references)


def final_call(run: Run, model: PoolModel) -> ModelCall:
    """Returns a request for the final answer, without an assessment in it."""
    references = _references(run, model, run.readable)
    if not references:
        return model_call(run, model, prompts.plain(run.conversation))
    nonce = new_nonce()
    messages = prompts.aggregator(run.conversation, references, nonce)
    return model_call(run, model, messages, nonce)


def aggregation_call(
    run: Run, model: PoolModel, answers: Sequence[Answer], *, layer_number: int
) -> ModelCall:
    """Returns a request to merge the answers of a layer, given best first.

    Calls to tools cannot be merged: if there are any, it asks which of the answers is right.
    """
    references = _references(run, model, answers)
    nonce = new_nonce()
    calls_any = any(answer.tool_calls for answer in answers)
    prompt = prompts.chooser if calls_any else prompts.aggregator
    call = model_call(
        run,
        model,
        prompt(run.conversation, references, nonce),
        nonce,
        purpose=CallPurpose.AGGREGATION,
        layer_number=layer_number,
    )
    if run.form.has_tools and not calls_any:
        # The models chose to call no tool: only their words are merged.
        no_tool = ToolChoice(mode=ToolChoiceMode.NONE)
        call.options = replace(call.options, tool_choice=no_tool)
    return call


def shuffled_references(run: Run, model: PoolModel, nonce: str) -> tuple[Reference, ...]:
    """Returns the answers that fit, shuffled by the nonce so that no position is favoured."""
    return _references(run, model, run.readable, nonce=nonce)


def _references(
    run: Run, model: PoolModel, answers: Sequence[Answer], *, nonce: str = ""
) -> tuple[Reference, ...]:
    """Returns the answers that fit, in their order or, with a nonce, shuffled by it."""
    if not answers:
        return ()
    texts = [(answer.model_id, reference_text(answer)) for answer in answers]
    fitting = fit_references(model, run.conversation, texts)
    order = list(range(len(fitting)))
    if nonce:
        random.Random(nonce).shuffle(order)  # noqa: S311  # fairness, not secrecy
    references = labelled([fitting[index] for index in order])
    return tuple(
        replace(reference, cut_off=answers[index].is_cut_off)
        for index, reference in zip(order, references, strict=True)
    )


def model_call(
    run: Run,
    model: PoolModel,
    messages: tuple[Message, ...],
    nonce: str = "",
    *,
    purpose: CallPurpose = CallPurpose.ANSWER,
    layer_number: int | None = None,
) -> ModelCall:
    """Returns a call of a run, in its next layer unless another one is given."""
    options = NO_OPTIONS
    if purpose in WRITES_ANSWERS:
        options = run.conversation.options.within(model.abilities)
        messages, options = in_words(messages, options, model)
    return ModelCall(
        model=model,
        nonce=nonce,
        session=run.conversation.session,
        options=options,
        cache_salt=run.conversation.cache_salt,
        messages=messages,
        purpose=purpose,
        layer_number=len(run.reports) + 1 if layer_number is None else layer_number,
    )
