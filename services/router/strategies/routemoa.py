"""`routemoa`: the calls that are worth their price, one after the other or together; nothing is merged.

Each step weighs the gain in the probability of a right answer against dollars and seconds
(`services/router/routing/next_calls.py`). Models see the query alone, so what they answer is evidence
for one another, and no word of a prompt can reach the user. The likeliest answer is given as it is.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from services.router.engine.planner import plan_layer, plan_models, rank_eligible
from services.router.engine.proposals import plain_proposal
from services.router.routing.agreement import posteriors
from services.router.routing.candidates import StopReason
from services.router.routing.next_calls import next_calls, wants_second
from services.router.strategies.comparable_share import ComparableShare
from services.router.strategies.independent_answers import answers_of, opinions_of
from services.router.strategies.layered import Layered
from services.router.strategies.offers import affordable_offers, best_offers, open_ids

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from services.router.engine.engine import Engine
    from services.router.engine.run import Run
    from services.router.routing.events import Answer, Event, LayerReport, RoutingDecision

_RARELY = 0.1
"""Share of comparable answers below which the first answer streams to the caller."""


class RouteMoA(Layered):
    """screen -> [best calls -> judge -> weigh all answers]* -> the likeliest answer as it is."""

    independent = True

    def __init__(self) -> None:
        self._comparable = ComparableShare()

    async def answer(self, run: Run, engine: Engine) -> AsyncGenerator[Event, None]:
        """Yields all events but the `Result`; see `Strategy`."""
        async with aclosing(super().answer(run, engine)) as events:
            async for event in events:
                yield event
        if not run.answers and run.final is not None:  # it was streamed
            self._record([run.final], run)
            if run.layers_left > 0 and run.stop_reason is not StopReason.COMPLETE:
                run.stop_reason = StopReason.NO_GAIN

    def plan(self, run: Run) -> RoutingDecision | StopReason:
        """Returns the models to call now; the safe ones first if the ranking is too uncertain."""
        if not run.reports and _runs_safe_models(run):
            return plan_layer(run)
        ranked = rank_eligible(run)
        asked_ids = _asked_ids(run)
        affordable = affordable_offers(run, ranked, asked_ids)
        chosen = next_calls(
            opinions_of(run),
            affordable,
            comparable_share=self._comparable_share(run),
        )
        if not chosen and affordable:
            return StopReason.NO_GAIN
        wanted = [offer.model_id for offer in chosen][: run.policy.max_layer_model_count]
        wanted = wanted or open_ids(run, ranked, asked_ids)
        if not run.reports and run.exploration is not None:
            run.exploration = replace(run.exploration, usual_ids=tuple(wanted))
        if run.tried:
            [(tried, reason)] = run.tried.items()
            return plan_models(run, ranked, [tried], reason)
        return plan_models(run, ranked, wanted)

    async def layer(self, run: Run, engine: Engine, decision: RoutingDecision) -> LayerReport:
        """Calls the models, and keeps the likeliest answer so far."""
        # Most queries end with the first or second step: one may take half of the time left.
        report = await engine.run_assessed(
            run, decision, plain_proposal, stages_left=min(2, run.layers_left)
        )
        if report.answers:
            self._record(report.answers, run)
            run.posteriors.update(posteriors(opinions_of(run)))
            run.answers = (_likeliest(run),)
        return report

    def is_last(self, run: Run, decision: RoutingDecision) -> bool:
        """Returns whether the layer's one answer must be the final one, so that it can stream."""
        if run.answers or len(decision.selected_model_ids) != 1:
            return False
        if super().is_last(run, decision) or self._comparable_share(run) < _RARELY:
            return True
        offers = best_offers(run, decision.ranked, set())
        unweighed = run.unweighed_ids
        is_weighed = unweighed is not None and decision.selected_model_ids[0] not in unweighed
        return not wants_second(offers, may_doubt=is_weighed and run.form.is_free)

    def _comparable_share(self, run: Run) -> float:
        """Returns the share for the form of the request: JSON and calls to tools always compare."""
        return self._comparable.value if run.form.is_free else 1.0

    def _record(self, answers: Sequence[Answer], run: Run) -> None:
        if run.form.is_free:
            for key in run.form.keys(answers):
                self._comparable.record(comparable=key is not None)


def _runs_safe_models(run: Run) -> bool:
    return bool(run.pool.safe_models) and run.forecast.is_uncertain(run.policy.max_uncertainty)


def _asked_ids(run: Run) -> set[str]:
    """Returns the models that have answered, under any of their ids."""
    same = run.pool.same_models
    return {model_id for answer in answers_of(run) for model_id in same[answer.model_id]}


def _likeliest(run: Run) -> Answer:
    """Returns the likeliest answer; of answers that cannot be compared, that of the best model."""
    answers = answers_of(run)
    chances = run.posteriors
    if any(answer.tool_calls for answer in answers):
        chances = run.form.chances(answers, run.priors.__getitem__)
    return max(answers, key=lambda a: (chances[a.model_id], run.priors[a.model_id], a.model_id))
