"""`moa`: every model in every layer, each reading the answers of the layer before; then one merges.

The mixture of agents of Wang et al. (arXiv 2406.04692). Nobody grades, so that nothing but agreement
ends the layers early.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from services.router.engine.proposals import plain_proposal
from services.router.strategies.layered import Layered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.engine.engine import Stage
    from services.router.engine.run import Run
    from services.router.routing.events import LayerReport, RoutingDecision


class MoA(Layered):
    """screen -> [run all together]* -> aggregate."""

    defaults: Mapping[str, float] = MappingProxyType(
        {"max_layer_models": 16, "max_layers": 2, "max_calls": 64}
    )

    def decide(self, run: Run) -> RoutingDecision | None:
        """Takes every model that fits the limits, in the order of the ranking."""
        return run.best(run.policy.max_layer_models)

    async def layer(self, run: Run, stage: Stage, decision: RoutingDecision) -> LayerReport:
        """Runs the models; a later layer's improve on the answers of the one before."""
        proposals = [plain_proposal(run, run.pool.by_id[m]) for m in decision.selected_model_ids]
        outcome = await stage.propose(run, proposals, stages_left=run.layers_left + 1)
        run.answers = outcome.answers or run.answers
        return run.report(decision, outcome)
