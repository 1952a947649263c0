"""How an assessed layer ends before its slowest model: a settled majority, stand-ins, a draft.

See `layer_run.py` for when each is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.answer_key import answer_key
from services.router.dependencies.dependencies import TIME_SHARE
from services.router.engine.metrics import STAND_INS
from services.router.engine.proposals import assessed_proposal
from services.router.engine.reservations import reserve_extra
from services.router.engine.speculative_answer import begin_draft, worth_drafting
from services.router.routing.agreement import Opinion, has_settled_majority
from services.router.routing.ranking import early_stop
from services.router.routing.selection import SelectionReason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.backends.generator import Generator
    from services.router.backends.replicas.retry_budget import Allowance
    from services.router.dependencies.dependencies import Judge
    from services.router.engine.layer import BeginDraft, IsSettled, NextStandIn
    from services.router.engine.layer_outcome import Proposal
    from services.router.engine.run import Run
    from services.router.routing.events import Answer, RoutingDecision

_OUTRANKED = {SelectionReason.LAYER_FULL, SelectionReason.SCORE_GAP}


def settled_by(priors: Mapping[str, float]) -> IsSettled:
    """Returns what says that a majority agrees and stays ahead, whatever the others will answer."""

    def is_settled(answers: Mapping[str, str], pending: Sequence[str]) -> bool:
        opinions = [
            Opinion(model_id=model_id, score=priors[model_id], final_answer=answer_key(text))
            for model_id, text in answers.items()
        ]
        return has_settled_majority(opinions, [priors[model_id] for model_id in pending])

    return is_settled


def stand_ins(run: Run, decision: RoutingDecision, allowance: Allowance) -> NextStandIn:
    """Returns what names the next model by rank that only better ones kept out of a layer.

    One that is not good enough for a seat still tells more than one that says nothing.
    """
    waiting = [
        model.model_id
        for model in decision.ranked
        if decision.reasons.get(model.model_id) in _OUTRANKED
    ]

    async def next_stand_in() -> Proposal | None:
        if not waiting or not allowance.take():
            return None
        proposal = assessed_proposal(run, run.pool.by_id[waiting.pop(0)])
        if not await reserve_extra(run, proposal.call):
            return None
        STAND_INS.inc()
        return proposal

    return next_stand_in


def drafting(run: Run, judge: Judge, generator: Generator) -> BeginDraft:
    """Returns what begins the final answer where, had the layer ended now, no other would follow."""

    async def begin(answers: Sequence[Answer]) -> None:
        if not worth_drafting(answers):
            return
        deadline = run.deadline.share(TIME_SHARE)
        verdict = await judge.assess(answers, run.answers, run.priors, deadline)
        scores = {a.model_id: a.posterior_score for a in verdict.assessments}
        texts = [answer.text for answer in answers]
        layers_run = run.layers_run + 1
        if early_stop(scores, texts, layers_run=layers_run, policy=run.policy) is not None:
            best_first = sorted(answers, key=lambda answer: -scores[answer.model_id])
            await begin_draft(run, best_first, generator)

    return begin
