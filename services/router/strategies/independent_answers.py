"""The answers of a run whose models did not see one another's, and what each is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.router.engine.run import Run
    from services.router.routing.agreement import Opinion
    from services.router.routing.events import Answer


def answers_of(run: Run) -> list[Answer]:
    """Returns the answers so far, in the order of the layers."""
    return [answer for report in run.reports for answer in report.answers]


def opinions_of(run: Run) -> list[Opinion]:
    """Returns the final value of each answer, with the judge's score of it.

    That an answer was cut off says nothing of the query, so that its score has no change.
    """
    answers = answers_of(run)
    scores = {a.model_id: a.posterior_score for r in run.reports for a in r.assessments}
    return [
        replace(
            opinion,
            source=source_of(run, answer.model_id),
            prior=None if answer.is_cut_off else run.priors[answer.model_id],
        )
        for answer, opinion in zip(
            answers, run.form.opinions(answers, scores.__getitem__), strict=True
        )
    ]


def source_of(run: Run, model_id: str) -> str:
    """Returns the model that the backend knows, whatever its ids in the pool."""
    return run.pool.by_id[model_id].backend_model or model_id
