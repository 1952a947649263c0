"""The turn after a tool's result: the model that called the tool goes on alone, in every strategy.

It knows what it wanted of the tool, and may have the conversation in its cache. Another model goes on
if that gains more than the lost cache costs. If the model fails, the strategy goes on with the others.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from services.router.engine.planner import plan_tool_turn
from services.router.routing.candidates import StopReason

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.engine.engine import Engine
    from services.router.engine.run import Run
    from services.router.routing.events import Event


async def keep_model(run: Run, engine: Engine) -> AsyncGenerator[Event, None]:
    """Yields the events of the kept model's turn, and sets `run.final` if there is an answer.

    Yields nothing if the last message is no result of a tool, or if the model cannot run.
    """
    decision = plan_tool_turn(run, engine.min_stage_s)
    if decision is None:
        return
    yield decision
    async with aclosing(engine.stream_last(run, decision)) as events:
        async for event in events:
            yield event
    if run.final is not None:
        run.stop_reason = StopReason.COMPLETE
