"""The interface of strategies, and the base of those that run in layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from services.router.engine.planner import aggregators, plan_tool_turn, stop_reason
from services.router.routing.candidates import StopReason

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from services.router.engine.engine import Engine
    from services.router.engine.run import Run
    from services.router.pool.model import PoolModel
    from services.router.routing.events import Event, LayerReport, RoutingDecision

    Plan = Callable[[Run], RoutingDecision | StopReason]
    """Returns the next layer of a run, or the reason why there is none."""


class Strategy(Protocol):
    """Decides which models are called, and when to stop.

    All calls go through the engine, so that ledger, limits and deadline hold for every strategy.
    """

    def answer(self, run: Run, engine: Engine) -> AsyncGenerator[Event, None]:
        """Yields all events but the `Result`, and sets `run.final`.

        Raises:
            NoEligibleModelError: The policy leaves no model that may run.
            GenerationFailedError: Every model failed.
            AnswerTimedOutError: No model answered in time.
        """
        ...

    def plan(self, run: Run) -> RoutingDecision | StopReason:
        """Returns the next layer of a run, or the reason why there is none.

        Raises:
            NoEligibleModelError: The policy's limits leave no model for the first layer.
        """
        ...


def next_layer(run: Run, plan: Plan, min_stage_s: float) -> RoutingDecision | None:
    """Returns the next layer; None, with the reason recorded in the run, if there is none."""
    if run.final is not None:
        return None
    run.stop_reason = stop_reason(run, min_stage_s)
    if run.stop_reason is not None:
        return None
    planned = plan(run)
    if isinstance(planned, StopReason):
        run.stop_reason = planned
        return None
    run.record_reasons(planned.reasons)
    return planned


async def keep_model(run: Run, engine: Engine) -> AsyncGenerator[Event, None]:
    """Yields the turn after a tool's result, by the model that called the tool, alone.

    It knows what it wanted of the tool, and may have the conversation in its cache; another model goes
    on if that gains more. Yields nothing if the last message is no such result, or if the model cannot
    run; sets `run.final` if it answers.
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


class Layered(ABC):
    """screen -> kept model, if any -> [plan -> run a layer]* -> aggregate.

    If the last layer has one model, it streams to the caller and nothing is aggregated.
    """

    independent = False
    """True if models answer without sight of each other's answers."""
    settles_votes = False
    """True if the aggregator chooses where a vote on calls to tools is close."""
    end = StopReason.LAYER_LIMIT
    """The reason that is reported once all layers have run."""

    async def answer(self, run: Run, engine: Engine) -> AsyncGenerator[Event, None]:
        """Yields all events but the `Result`; see `Strategy`."""
        run.independent = self.independent
        await engine.screen(run)
        async with aclosing(keep_model(run, engine)) as kept:
            async for event in kept:
                yield event
        while (decision := next_layer(run, self.plan, engine.min_stage_s)) is not None:
            yield decision
            if self.is_last(run, decision):
                async with aclosing(engine.stream_last(run, decision)) as events:
                    async for event in events:
                        yield event
            else:
                yield await self.layer(run, engine, decision)
        if run.stop_reason in {None, StopReason.LAYER_LIMIT}:
            run.stop_reason = self.end
        if run.final is None:
            merged = engine.aggregate(run, self.aggregators(run), settles_votes=self.settles_votes)
            async with aclosing(merged) as events:
                async for event in events:
                    yield event

    @abstractmethod
    def plan(self, run: Run) -> RoutingDecision | StopReason:
        """Returns the next layer, or the reason why there is none.

        Raises:
            NoEligibleModelError: The policy's limits leave no model for the first layer.
        """

    @abstractmethod
    async def layer(self, run: Run, engine: Engine, decision: RoutingDecision) -> LayerReport:
        """Runs a layer, and sets `run.answers` for the next layer or the aggregator."""

    def is_last(self, run: Run, decision: RoutingDecision) -> bool:
        """Returns whether the layer's one answer must be the final one, so that it can stream."""
        alone = len(decision.ranked) == 1
        return len(decision.selected_model_ids) == 1 and (run.layers_left <= 1 or alone)

    def aggregators(self, run: Run) -> Sequence[PoolModel]:
        """Returns the models that may merge, best first."""
        return aggregators(run, run.answers)
