"""`moa`: every model in every layer, each reading the answers of the layer before; then one merges.

The mixture of agents of Wang et al. (arXiv 2406.04692). No model grades, so only agreement ends the
layers early.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.engine.planner import further_models, plan_best
from services.router.engine.proposals import plain_proposal
from services.router.strategies.layered import Layered

if TYPE_CHECKING:
    from services.router.engine.engine import Engine
    from services.router.engine.run import Run
    from services.router.routing.candidates import StopReason
    from services.router.routing.events import LayerReport, RoutingDecision


class MoA(Layered):
    """screen -> [run all together]* -> aggregate."""

    def plan(self, run: Run) -> RoutingDecision | StopReason:
        """Returns every model that fits the limits, by rank."""
        return plan_best(run, run.policy.max_layer_model_count)

    async def layer(self, run: Run, engine: Engine, decision: RoutingDecision) -> LayerReport:
        """Runs the models; those of a later layer improve the answers of the layer before."""
        proposals = [plain_proposal(run, run.pool.by_id[m]) for m in decision.selected_model_ids]
        further = (plain_proposal(run, model) for model in further_models(run, decision))
        outcome = await engine.propose(
            run, proposals, stages_left=run.layers_left + 1, further=further
        )
        run.answers = outcome.answers or run.answers
        return engine.report(run, decision, outcome)
