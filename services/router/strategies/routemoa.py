"""`routemoa`: the best few in layers, re-ranked by what they say of each other, then merged."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.events import Event, RoutingDecision
    from services.router.run import Run
    from services.router.stage import Stage


class RouteMoA:
    """screen -> [pick -> run together -> judge -> re-rank]* -> aggregate."""

    async def answer(self, run: Run, stage: Stage) -> AsyncGenerator[Event, None]:
        """Yields what happens; see `Strategy`."""
        await stage.screen(run)
        while run.final is None:
            decision = run.next_layer(stage.min_stage_s)
            if decision is None:
                break
            yield decision
            if _is_final(run, decision):
                async with aclosing(stage.pass_through(run, decision)) as events:
                    async for event in events:
                        yield event
            else:
                yield await stage.layer(run, decision)
        if run.final is None:
            async with aclosing(stage.aggregate(run)) as events:
                async for event in events:
                    yield event


def _is_final(run: Run, decision: RoutingDecision) -> bool:
    """Says whether a layer's one answer can only be the final one, so that it need not be assessed."""
    last = run.layers_run + 1 >= run.policy.max_layers
    alone = len(decision.ranked) == 1
    return len(decision.selected_model_ids) == 1 and (last or alone)
