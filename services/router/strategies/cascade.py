"""`cascade`: one model at a time, as long as a further answer is worth its price.

Every model is asked without the others' answers: only independent answers are evidence for each other,
and prompts stay short. A second model is asked to answer better, or as a witness whose agreement or
contradiction changes what is done next (`services/router/routing/agreement.py`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from services.answer_key import answer_key
from services.router.engine.proposals import assessed_proposal
from services.router.routing.agreement import Offer, Opinion, posteriors, worthwhile_call
from services.router.routing.ranking import StopReason
from services.router.strategies.layered import Layered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.engine.engine import Stage
    from services.router.engine.run import Run
    from services.router.routing.events import Answer, LayerReport, RoutingDecision
    from services.router.routing.ranking import Ranked


class Cascade(Layered):
    """screen -> [best offer -> judge -> weigh all answers]* -> the likeliest answer as it is."""

    # The price of a call decides, not a score: `cost_weight` says what a right answer is worth.
    defaults: Mapping[str, float] = MappingProxyType({"max_layers": 4, "stopping_score": 1.0})

    def decide(self, run: Run) -> RoutingDecision | None:
        """Takes the model whose answer is worth most beyond its price, if any is."""
        run.independent = True
        ranked = run.ranked()
        asked = {answer.model_id for answer in _answers(run)}
        open_to = [
            r
            for r in ranked
            if r.model_id not in asked
            and r.candidate.available
            and run.policy.allows_latency(r.candidate.expected_latency_s)
        ]
        affordable = [r for r in open_to if run.lack(run.pool.by_id[r.model_id], 0) is None]
        offer = worthwhile_call(_opinions(run), [_offer(r, run) for r in affordable])
        if offer is None and affordable:
            run.stop_reason = StopReason.NO_GAIN
            return None
        wanted = [r.model_id for r in open_to] if offer is None else [offer.model_id]
        return run.decide(ranked, wanted)

    async def layer(self, run: Run, stage: Stage, decision: RoutingDecision) -> LayerReport:
        """Asks the model, and puts the likeliest answer of all first."""
        model = run.pool.by_id[decision.selected_model_ids[0]]
        proposal = assessed_proposal(run, model)
        # Most queries end with the first call or the second: one may take half of what is left.
        outcome = await stage.propose(run, [proposal], stages_left=min(2, run.layers_left))
        assessments = await stage.assess(run, outcome.answers)
        report = run.report(decision, outcome, assessments)
        if outcome.answers:
            run.posteriors.update(posteriors(_opinions(run)))
            run.answers = run.best_first(_answers(run))[:1]
        return report

    def is_last(self, run: Run, decision: RoutingDecision) -> bool:
        """Says whether the answer can only be the final one: nothing it could be weighed against."""
        comparable = any(answer_key(answer.text) is not None for answer in run.answers)
        return super().is_last(run, decision) and not comparable


def _answers(run: Run) -> list[Answer]:
    return [answer for report in run.reports for answer in report.answers]


def _opinions(run: Run) -> list[Opinion]:
    """Returns what each model came to, with the judge's view of it alone."""
    scores = {a.model_id: a.posterior_score for r in run.reports for a in r.assessments}
    return [
        Opinion(
            model_id=answer.model_id,
            score=scores[answer.model_id],
            final_answer=answer_key(answer.text),
        )
        for answer in _answers(run)
    ]


def _offer(ranked: Ranked, run: Run) -> Offer:
    score = run.priors[ranked.model_id]
    price = run.policy.quality_weight * score - ranked.utility
    return Offer(model_id=ranked.model_id, score=score, price=price)
