"""`single`: the best-ranked model answers alone, and its text streams as it comes."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

from services.router.engine.planner import plan_best
from services.router.routing.candidates import StopReason
from services.router.strategies.layered import keep_model, next_layer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.engine.engine import Engine
    from services.router.engine.run import Run
    from services.router.routing.events import Event


class Single:
    """screen -> the best model; the next best if it fails or its answer is not valid."""

    async def answer(self, run: Run, engine: Engine) -> AsyncGenerator[Event, None]:
        """Yields all events but the `Result`; see `Strategy`."""
        await engine.screen(run)
        async with aclosing(keep_model(run, engine)) as kept:
            async for event in kept:
                yield event
        plan = partial(plan_best, count=1)
        while (decision := next_layer(run, plan, engine.min_stage_s)) is not None:
            yield decision
            async with aclosing(engine.stream_last(run, decision)) as events:
                async for event in events:
                    yield event
        if run.final is None:
            async with aclosing(engine.repair(run)) as events:
                async for event in events:
                    yield event
        run.stop_reason = StopReason.COMPLETE
