"""`single`: the best-ranked model answers alone, and its text streams as it comes."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from services.router.engine.planner import plan_best, plan_tool_turn
from services.router.routing.candidates import StopReason
from services.router.strategies.layered import next_layer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.engine.engine import Engine
    from services.router.engine.run import Run
    from services.router.routing.events import Event, RoutingDecision


class Single:
    """screen -> the best model; the next best if it fails or its answer is not valid."""

    async def answer(self, run: Run, engine: Engine) -> AsyncGenerator[Event, None]:
        """Yields all events but the `Result`; see `Strategy`."""
        await engine.screen(run)
        least_s = engine.min_stage_s
        decision = plan_tool_turn(run, least_s) or next_layer(run, self.plan, least_s)
        while decision is not None:
            yield decision
            async with aclosing(engine.stream_last(run, decision)) as events:
                async for event in events:
                    yield event
            decision = next_layer(run, self.plan, least_s)
        if run.final is None:
            async with aclosing(engine.repair(run)) as events:
                async for event in events:
                    yield event
        run.stop_reason = StopReason.COMPLETE

    def plan(self, run: Run) -> RoutingDecision | StopReason:
        """Returns the best-ranked model that may run, or the reason why there is none."""
        return plan_best(run, count=1)
