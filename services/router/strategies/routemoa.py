"""`routemoa`: the best few in layers, re-ranked by what they say of each other, then merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.answer_key import answer_key
from services.router.routing.agreement import Opinion, agreeing, posteriors
from services.router.routing.ranking import StopReason
from services.router.strategies.layered import Layered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.engine.engine import Stage
    from services.router.engine.run import Run
    from services.router.routing.events import Answer, LayerReport, RoutingDecision


class RouteMoA(Layered):
    """screen -> [pick by rank -> run together -> judge -> re-rank]* -> aggregate."""

    def decide(self, run: Run) -> RoutingDecision | None:
        """Picks the models within the score gap that fit the limits, while layers bring evidence."""
        if not _gained(run.reports, run.policy.min_gain):
            run.stop_reason = StopReason.NO_GAIN
            return None
        return run.next_layer()

    async def layer(self, run: Run, stage: Stage, decision: RoutingDecision) -> LayerReport:
        """Runs the models, corrects their scores, and keeps the answers of a majority alone."""
        report = await stage.assessed_layer(run, decision)
        if report.answers:
            likeliest = _likeliest_first(run, report.answers)
            agreed = agreeing([answer.text for answer in likeliest])
            is_majority = len(agreed) * 2 > len(likeliest)
            run.answers = tuple(likeliest[n] for n in agreed) if is_majority else likeliest
        return report


def _likeliest_first(run: Run, answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """Orders answers by what their agreement says, those that agree by their own scores."""
    opinions = [
        Opinion(
            model_id=answer.model_id,
            score=run.posteriors[answer.model_id],
            final_answer=answer_key(answer.text),
        )
        for answer in answers
    ]
    chances = posteriors(opinions)
    return tuple(sorted(run.best_first(answers), key=lambda a: -chances[a.model_id]))


def _gained(reports: Sequence[LayerReport], min_gain: float) -> bool:
    """Says whether the last layer changed which model is best, or how sure that is."""
    assessed = [report.assessments[0] for report in reports if report.assessments]
    if len(assessed) < 2:
        return True
    before, after = assessed[-2:]
    moved = abs(after.posterior_score - before.posterior_score)
    return after.model_id != before.model_id or moved > min_gain
