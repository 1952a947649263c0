"""`single`: the model that ranks first answers alone, and its tokens stream as they come."""

from __future__ import annotations

from contextlib import aclosing
from types import MappingProxyType
from typing import TYPE_CHECKING

from services.router.routing.ranking import StopReason

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from services.router.engine.engine import Stage
    from services.router.engine.run import Run
    from services.router.routing.events import Event


class Single:
    """screen -> the best model; the next best in its place if it fails."""

    defaults: Mapping[str, float] = MappingProxyType({})

    async def answer(self, run: Run, stage: Stage) -> AsyncGenerator[Event, None]:
        """Yields what happens; see `Strategy`."""
        await stage.screen(run)
        while run.goes_on(stage.min_stage_s):
            decision = run.best(1)
            if decision is None:
                break
            yield decision
            async with aclosing(stage.pass_through(run, decision)) as events:
                async for event in events:
                    yield event
        if run.final is None:
            raise run.failure()
        run.stop_reason = StopReason.COMPLETE
