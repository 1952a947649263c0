"""`self-moa`: several samples of the model that ranks first, merged by that model.

Self-MoA (arXiv 2502.00674): where one model is much better than the rest, its own samples are better
references than other models' answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.engine.planner import further_models, plan_best, plan_models
from services.router.engine.proposals import plain_proposal
from services.router.routing.candidates import SelectionReason, StopReason
from services.router.strategies.layered import Layered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.router.engine.engine import Engine
    from services.router.engine.proposals import Proposal
    from services.router.engine.run import Run
    from services.router.pool.model import PoolModel
    from services.router.routing.events import LayerReport, RoutingDecision


SAMPLING_TEMPERATURE = 0.7
"""The default temperature of the mixture of agents' reference code, on which Self-MoA builds."""


class SelfMoA(Layered):
    """screen -> sample the best model, or the next best if that fails -> aggregate."""

    end = StopReason.COMPLETE

    def plan(self, run: Run) -> RoutingDecision | StopReason:
        """Returns as many calls of the best model as the limits allow."""
        if run.answers:
            return StopReason.COMPLETE
        best = plan_best(run, 1)
        if isinstance(best, StopReason):
            return best
        (model_id,) = best.selected_model_ids
        safe = best.reasons.get(model_id) is SelectionReason.SAFE
        reason = SelectionReason.SAFE if safe else SelectionReason.STRATEGY
        wanted = [model_id] * run.policy.max_layer_model_count
        return plan_models(run, best.ranked, wanted, reason)

    async def layer(self, run: Run, engine: Engine, decision: RoutingDecision) -> LayerReport:
        """Samples the model at `SAMPLING_TEMPERATURE`."""
        model = run.pool.by_id[decision.selected_model_ids[0]]
        samples = len(decision.selected_model_ids)
        proposals = list(_samples(run, model, samples))
        further = (
            proposal
            for other in further_models(run, decision)
            for proposal in _samples(run, other, samples)
        )
        outcome = await engine.propose(
            run, proposals, stages_left=run.layers_left + 1, further=further
        )
        run.answers = outcome.answers
        return engine.report(run, decision, outcome)

    def aggregators(self, run: Run) -> Sequence[PoolModel]:
        """Returns the sampled model, which reads its own samples best."""
        return [run.pool.by_id[answer.model_id] for answer in run.answers[:1]]


def _samples(run: Run, model: PoolModel, count: int) -> Iterator[Proposal]:
    """Returns several requests to a model at `SAMPLING_TEMPERATURE`."""
    sampled = model.model_copy(update={"temperature": SAMPLING_TEMPERATURE})
    return (plain_proposal(run, sampled) for _ in range(count))
