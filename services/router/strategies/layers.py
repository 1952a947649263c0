"""`layers`: the best few models in layers, re-ranked by their grades of each other, then merged.

The method of the RouteMoA paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.engine.planner import by_posterior, plan_layer
from services.router.engine.proposals import assessed_proposal
from services.router.routing.candidates import StopReason
from services.router.strategies.layered import Layered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.engine.engine import Engine
    from services.router.engine.run import Run
    from services.router.routing.events import Answer, LayerReport, RoutingDecision


MIN_GAIN = 0.01
"""Least change of the best posterior score in a layer for another layer to run."""


class Layers(Layered):
    """screen -> [pick by rank -> run together -> judge -> re-rank]* -> aggregate."""

    settles_votes = True

    def plan(self, run: Run) -> RoutingDecision | StopReason:
        """Returns the models within score gap and limits, as long as layers bring a gain.

        Without grades, as with tools and JSON, a second layer brings no evidence.
        """
        ungraded = bool(run.answers) and not run.form.is_free
        if ungraded or not _gained(run.reports):
            return StopReason.NO_GAIN
        return plan_layer(run)

    async def layer(self, run: Run, engine: Engine, decision: RoutingDecision) -> LayerReport:
        """Runs the models, corrects their scores, and keeps the answers of a majority, if any."""
        # The aggregator gets as much time as a layer. Unused time goes to the stages that follow.
        report = await engine.run_assessed(
            run, decision, assessed_proposal, stages_left=run.layers_left + 1
        )
        if report.answers:
            likeliest = _likeliest_first(run, report.answers)
            agreed = run.form.agreeing(likeliest)
            is_majority = len(agreed) * 2 > len(likeliest)
            run.answers = tuple(likeliest[index] for index in agreed) if is_majority else likeliest
        return report


def _likeliest_first(run: Run, answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """Returns answers by the probability that their agreement gives, then by their own scores."""
    chances = run.form.chances(answers, run.score)
    return tuple(sorted(by_posterior(run, answers), key=lambda a: -chances[a.model_id]))


def _gained(reports: Sequence[LayerReport]) -> bool:
    """Returns whether the last layer changed the best model or its score."""
    assessed = [report.assessments[0] for report in reports if report.assessments]
    if len(assessed) < 2:
        return True
    before, after = assessed[-2:]
    moved = abs(after.posterior_score - before.posterior_score)
    return after.model_id != before.model_id or moved > MIN_GAIN
