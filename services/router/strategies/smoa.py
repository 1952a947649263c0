"""`smoa`: models in different roles, a judge that keeps the best answers, a moderator that ends it.

The sparse mixture of agents of Li et al. (SMoA). Judge and moderator are models: the one that would
merge the answers.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from services.router.engine.proposals import plain_proposal
from services.router.routing.limits import fitting
from services.router.routing.ranking import StopReason, agree
from services.router.strategies.layered import Layered
from services.router.strategies.verdicts import (
    Question,
    is_over,
    kept_model_ids,
    moderation,
    selection,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.engine.engine import Stage
    from services.router.engine.layer_outcome import LayerOutcome
    from services.router.engine.run import Run
    from services.router.pool.pool import PoolModel
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

    defaults: Mapping[str, float] = MappingProxyType(
        {"max_layer_models": 16, "max_layers": 2, "max_calls": 64}
    )

    def decide(self, run: Run) -> RoutingDecision | None:
        """Takes every model that fits the limits, in the order of the ranking."""
        return run.best(run.policy.max_layer_models)

    async def layer(self, run: Run, stage: Stage, decision: RoutingDecision) -> LayerReport:
        """Runs the models in their roles, and keeps the answers that the judge chooses."""
        models = [run.pool.by_id[model_id] for model_id in decision.selected_model_ids]
        proposals = [plain_proposal(run, model, role=_role(run, model)) for model in models]
        # A layer is followed by its judge and moderator, the last one by the aggregator.
        outcome = await stage.propose(run, proposals, stages_left=2 * run.layers_left + 1)
        if outcome.answers:
            run.answers = outcome.answers
            outcome = await _debated(run, stage, outcome)
        return run.report(decision, outcome)


async def _debated(run: Run, stage: Stage, outcome: LayerOutcome) -> LayerOutcome:
    """Has the newest answers judged and the debate moderated; returns the layer with those calls.

    Without a verdict the answers of the models that rank first are kept, and the debate goes on.
    """
    questions = _questions(run, stage)
    kept = outcome.answers
    if questions:
        verdicts = await stage.propose(run, questions, stages_left=2 * run.layers_left)
        outcome = outcome.followed_by(verdicts)
        if any(is_over(question) for question in questions):
            run.stop_reason = StopReason.MODERATOR
        chosen = [model_id for question in questions for model_id in kept_model_ids(question)]
        kept = tuple(a for m in chosen for a in outcome.answers if a.model_id == m) or kept
    run.answers = kept[: run.policy.kept_answers]
    return outcome


def _questions(run: Run, stage: Stage) -> list[Question]:
    """Returns what to ask of the answers: to choose among many, to end it if it could go on."""
    if agree([answer.text for answer in run.answers]):
        return []
    wanted = [selection] if len(run.answers) > run.policy.kept_answers else []
    wanted += [moderation] if run.layers_left > 1 else []
    able = [m for m in run.aggregators(run.answers) if run.lack(m, stage.min_stage_s) is None]
    if not able:
        return []
    fits, _ = fitting([run.worst_case(able[0])] * len(wanted), run.left)
    return [wanted[number](run, able[0]) for number in fits]


def _role(run: Run, model: PoolModel) -> str:
    """Returns a model's role, the same in every layer."""
    return ROLES[run.pool.models.index(run.pool.by_id[model.id]) % len(ROLES)]
