"""The turn after a tool's result: the model that called the tool goes on alone, in every strategy.

It knows what it wanted of the tool, and may have the conversation in its cache. If it fails, the
strategy goes on with the others.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from services.router.engine.planner import blocking_limit, plan_models, rank_eligible
from services.router.routing.candidates import StopReason
from services.router.types.messages import Role

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.engine.engine import Engine
    from services.router.engine.run import Run
    from services.router.routing.events import Event, RoutingDecision


async def keep_model(run: Run, engine: Engine) -> AsyncGenerator[Event, None]:
    """Yields the events of the kept model's turn, and sets `run.final` if there is an answer.

    Yields nothing if the last message is no result of a tool, or if the model cannot run.
    """
    decision = _decision(run, engine.min_stage_s)
    if decision is None:
        return
    yield decision
    async with aclosing(engine.stream_last(run, decision)) as events:
        async for event in events:
            yield event
    if run.final is not None:
        run.stop_reason = StopReason.COMPLETE


def _decision(run: Run, min_stage_s: float) -> RoutingDecision | None:
    kept = run.kept_model_id
    if kept is None or run.conversation.turns[-1].role is not Role.TOOL:
        return None
    ranked = rank_eligible(run)
    if not any(r.model_id == kept and r.candidate.available for r in ranked):
        return None
    if blocking_limit(run, run.pool.by_id[kept], min_stage_s) is not None:
        return None
    planned = plan_models(run, ranked, [kept])
    return None if isinstance(planned, StopReason) else planned
