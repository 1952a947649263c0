"""What strategies that run in layers have in common: all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import aclosing
from types import MappingProxyType
from typing import TYPE_CHECKING

from services.router.routing.ranking import StopReason

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from services.router.engine.engine import Stage
    from services.router.engine.run import Run
    from services.router.pool.pool import PoolModel
    from services.router.routing.events import Event, LayerReport, RoutingDecision


class Layered(ABC):
    """screen -> [decide -> run a layer]* -> aggregate.

    The one model of a last layer streams to the user, and nothing is aggregated then.
    """

    defaults: Mapping[str, float] = MappingProxyType({})
    end = StopReason.LAYER_LIMIT
    """Why no further layer runs once all have run."""

    async def answer(self, run: Run, stage: Stage) -> AsyncGenerator[Event, None]:
        """Yields what happens; see `Strategy`."""
        await stage.screen(run)
        while run.goes_on(stage.min_stage_s):
            decision = self.decide(run)
            if decision is None:
                break
            yield decision
            if self.is_last(run, decision):
                async with aclosing(stage.pass_through(run, decision)) as events:
                    async for event in events:
                        yield event
            else:
                yield await self.layer(run, stage, decision)
        if run.stop_reason in {None, StopReason.LAYER_LIMIT}:
            run.stop_reason = self.end
        if run.final is None:
            async with aclosing(stage.aggregate(run, self.aggregators(run))) as events:
                async for event in events:
                    yield event

    @abstractmethod
    def decide(self, run: Run) -> RoutingDecision | None:
        """Returns the next layer, or notes in `run.stop_reason` why there is none.

        Raises:
            NoEligibleModelError: The policy's limits leave no model for the first layer.
        """

    @abstractmethod
    async def layer(self, run: Run, stage: Stage, decision: RoutingDecision) -> LayerReport:
        """Runs a layer and sets `run.answers` to what the next one, or the aggregator, reads."""

    def is_last(self, run: Run, decision: RoutingDecision) -> bool:
        """Says whether a layer's one answer can only be the final one, so that it can stream."""
        alone = len(decision.ranked) == 1
        return len(decision.selected_model_ids) == 1 and (run.layers_left <= 1 or alone)

    def aggregators(self, run: Run) -> Sequence[PoolModel]:
        """Returns who may merge, best first."""
        return run.aggregators(run.answers)
