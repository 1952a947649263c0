"""`smoa`: models in different roles, a judge that keeps the best answers, a moderator that ends it.

The sparse mixture of agents of Li et al. (SMoA). Judge and moderator are models: the
one that would merge the answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.engine.planner import (
    aggregators,
    blocking_limit,
    further_models,
    plan_best,
    worst_case,
)
from services.router.engine.proposals import plain_proposal
from services.router.routing.candidates import StopReason
from services.router.routing.selection import fitting
from services.router.strategies.layered import Layered
from services.router.strategies.verdicts import (
    Question,
    is_over,
    kept_model_ids,
    moderation,
    selection,
)

if TYPE_CHECKING:
    from services.router.engine.engine import Engine
    from services.router.engine.proposals import LayerOutcome
    from services.router.engine.run import Run
    from services.router.pool.model import PoolModel
    from services.router.routing.events import LayerReport, RoutingDecision

ROLES = (
    "Answer as a meticulous scholar who names what is known and doubts the rest.",
    "Answer as a practical engineer who works in small steps and checks each of them.",
    "Answer as a sceptic who looks for the mistake that others overlook.",
    "Answer as a patient teacher who explains the idea before the result.",
    "Answer as a mathematician who trusts only what follows.",
    "Answer as an experienced practitioner of the question's field.",
)


class SMoA(Layered):
    """screen -> [run all in roles -> judge keeps some -> moderator ends it or not]* -> aggregate."""

    def plan(self, run: Run) -> RoutingDecision | StopReason:
        """Returns every model that fits the limits, by rank."""
        return plan_best(run, run.policy.max_layer_model_count)

    async def layer(self, run: Run, engine: Engine, decision: RoutingDecision) -> LayerReport:
        """Runs the models in their roles, and keeps the answers that the judge chooses."""
        models = [run.pool.by_id[model_id] for model_id in decision.selected_model_ids]
        proposals = [plain_proposal(run, model, role=_role(run, model)) for model in models]
        further = (
            plain_proposal(run, model, role=_role(run, model))
            for model in further_models(run, decision)
        )
        # A layer is followed by its judge and moderator, the last one by the aggregator.
        outcome = await engine.propose(
            run, proposals, stages_left=2 * run.layers_left + 1, further=further
        )
        if outcome.answers:
            run.answers = outcome.answers
            outcome = await _debate(run, engine, outcome)
        return engine.report(run, decision, outcome)


async def _debate(run: Run, engine: Engine, outcome: LayerOutcome) -> LayerOutcome:
    """Asks the judge and the moderator about the newest answers; returns the layer with their calls.

    Without a verdict, the answers of the best-ranked models are kept and the debate continues. If
    models call tools, the vote decides instead.
    """
    if choices := run.form.choices(run.answers, run.score):
        run.answers = tuple(run.answers[voter] for voter in choices[0].voters)
        return outcome
    questions = _questions(run, engine)
    kept = outcome.answers
    if questions:
        verdicts = await engine.propose(run, questions, stages_left=2 * run.layers_left)
        outcome = outcome.followed_by(verdicts)
        if any(is_over(question) for question in questions):
            run.stop_reason = StopReason.MODERATOR
        chosen = [model_id for question in questions for model_id in kept_model_ids(question)]
        kept = tuple(a for m in chosen for a in outcome.answers if a.model_id == m) or kept
    run.answers = kept[: run.policy.kept_answer_count]
    return outcome


def _questions(run: Run, engine: Engine) -> list[Question]:
    """Returns the questions about the answers: one to choose among many, one to end the debate."""
    if run.form.agree(run.answers):
        return []
    wanted = [selection] if len(run.answers) > run.policy.kept_answer_count else []
    wanted += [moderation] if run.layers_left > 1 else []
    able = [
        model
        for model in aggregators(run, run.answers)
        if blocking_limit(run, model, engine.min_stage_s) is None
    ]
    if not able:
        return []
    fits, _ = fitting([worst_case(run, able[0])] * len(wanted), run.left)
    return [wanted[index](run, able[0]) for index in fits]


def _role(run: Run, model: PoolModel) -> str:
    """Returns a model's role, the same in every layer."""
    return ROLES[run.pool.models.index(run.pool.by_id[model.id]) % len(ROLES)]
