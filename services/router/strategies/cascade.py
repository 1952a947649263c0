"""`cascade`: one model at a time, as long as a further answer is worth its price.

No model sees the others' answers: only independent answers are evidence for each other, and prompts
stay short. A further model may answer better, or its agreement or disagreement may change the choice
(`services/router/routing/agreement.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.engine.planner import further_models, plan_models, rank_eligible
from services.router.engine.proposals import assessed_proposal
from services.router.routing.agreement import posteriors, worthwhile_call
from services.router.routing.candidates import StopReason
from services.router.strategies.independent_answers import answers_of, opinions_of
from services.router.strategies.layered import Layered
from services.router.strategies.offers import affordable_offers, open_ids

if TYPE_CHECKING:
    from services.router.engine.engine import Engine
    from services.router.engine.run import Run
    from services.router.routing.events import LayerReport, RoutingDecision


class Cascade(Layered):
    """screen -> [best offer -> judge -> weigh all answers]* -> the likeliest answer as it is."""

    independent = True

    def plan(self, run: Run) -> RoutingDecision | StopReason:
        """Returns the model whose answer is worth most beyond its price, if any is."""
        ranked = rank_eligible(run)
        asked_ids = {answer.model_id for answer in answers_of(run)}
        affordable = affordable_offers(run, ranked, asked_ids)
        offer = worthwhile_call(opinions_of(run), affordable)
        if offer is None and affordable:
            return StopReason.NO_GAIN
        wanted = open_ids(run, ranked, asked_ids) if offer is None else [offer.model_id]
        return plan_models(run, ranked, wanted)

    async def layer(self, run: Run, engine: Engine, decision: RoutingDecision) -> LayerReport:
        """Calls the model, and keeps the likeliest answer so far."""
        model = run.pool.by_id[decision.selected_model_ids[0]]
        proposal = assessed_proposal(run, model)
        # Most queries end with the first or second call: one may take half of the time left.
        further = (assessed_proposal(run, other) for other in further_models(run, decision))
        outcome = await engine.propose(
            run, [proposal], stages_left=min(2, run.layers_left), further=further
        )
        assessments = await engine.assess(run, outcome.answers)
        report = engine.report(run, decision, outcome, assessments)
        if outcome.answers:
            opinions = opinions_of(run)
            run.posteriors.update(posteriors(opinions))
            scores = {opinion.model_id: opinion.score for opinion in opinions}
            chances = run.form.chances(answers_of(run), scores.__getitem__)
            run.answers = (max(answers_of(run), key=lambda answer: chances[answer.model_id]),)
        return report

    def is_last(self, run: Run, decision: RoutingDecision) -> bool:
        """Returns whether the answer must be the final one, as no other can be compared with it."""
        comparable = any(key is not None for key in run.form.keys(run.answers))
        return super().is_last(run, decision) and not comparable
