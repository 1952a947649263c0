"""`routemoa`: the best few in layers, re-ranked by what they say of each other, then merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.strategies.layered import Layered

if TYPE_CHECKING:
    from services.router.events import LayerReport, RoutingDecision
    from services.router.run import Run
    from services.router.stage import Stage


class RouteMoA(Layered):
    """screen -> [pick by rank -> run together -> judge -> re-rank]* -> aggregate."""

    def decide(self, run: Run) -> RoutingDecision | None:
        """Picks the models within the score gap that fit the limits."""
        return run.next_layer()

    async def layer(self, run: Run, stage: Stage, decision: RoutingDecision) -> LayerReport:
        """Runs the models, and corrects their scores by what they say of themselves and each other."""
        report = await stage.assessed_layer(run, decision)
        run.answers = report.answers or run.answers
        return report
