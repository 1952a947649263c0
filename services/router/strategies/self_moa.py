"""`self-moa`: several samples of the model that ranks first, merged by that model.

Self-MoA (arXiv 2502.00674): where one model is much better than the rest, its own samples are better
references than other models' answers.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from services.router.engine.proposals import plain_proposal
from services.router.routing.ranking import StopReason
from services.router.strategies.layered import Layered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.engine.engine import Stage
    from services.router.engine.run import Run
    from services.router.pool.pool import PoolModel
    from services.router.routing.events import LayerReport, RoutingDecision


class SelfMoA(Layered):
    """screen -> sample the best model, or the next best if that fails -> aggregate."""

    defaults: Mapping[str, float] = MappingProxyType({"max_layer_models": 6, "max_layers": 1})

    end = StopReason.COMPLETE

    def decide(self, run: Run) -> RoutingDecision | None:
        """Takes as many calls of the best model as the limits allow."""
        if run.answers:
            return None
        best = run.best(1)
        if best is None:
            return None
        return run.decide(best.ranked, best.selected_model_ids * run.policy.max_layer_models)

    async def layer(self, run: Run, stage: Stage, decision: RoutingDecision) -> LayerReport:
        """Samples the model at the policy's temperature."""
        model = run.pool.by_id[decision.selected_model_ids[0]]
        sampled = model.model_copy(update={"temperature": run.policy.sampling_temperature})
        proposals = [plain_proposal(run, sampled) for _ in decision.selected_model_ids]
        outcome = await stage.propose(run, proposals, stages_left=run.layers_left + 1)
        run.answers = outcome.answers
        return run.report(decision, outcome)

    def aggregators(self, run: Run) -> Sequence[PoolModel]:
        """Returns the sampled model: no other reads its samples better."""
        return [run.pool.by_id[answer.model_id] for answer in run.answers[:1]]
