"""The report of an examination: tables, what a person should know, and a page with pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.evaluation.report.document import Document, Grid, html_page
from services.examination.abilities.next_question import Z_95
from services.examination.results.picture import heat_map, price_picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.examination.asking.folder import Examination
    from services.examination.results.profile import Profile


def report_document(
    examination: Examination, profile: Profile, findings: Mapping[str, Sequence[str]]
) -> Document:
    """Returns the report; ``findings`` are sentences by their kind."""
    settings = {
        "models": f"{len(profile.models)}",
        "questions": f"{len(examination.answers):,} answered, {len(examination.failures):,} failed",
        "dollars": f"{examination.spent_usd:.4f}",
        "kinds": f"{len(profile.kinds)}, each with the same weight, as have the levels",
        "seed": f"{examination.settings.seed}",
    }
    note = (
        "Right: expected share of right answers over all levels, in percent; ±: half of its 95 % "
        "interval. Better models get harder questions, so shares of right answers alone would not do."
    )
    return Document(
        title="Examination of the pool",
        settings=settings,
        grids=(
            _models(profile),
            _kinds(profile),
            *(_sentences(kind, found) for kind, found in findings.items() if found),
        ),
        note=note,
    )


def report_page(document: Document, profile: Profile) -> str:
    """Returns the report as a page, with pictures."""
    return html_page(document, f"{price_picture(profile)}\n{heat_map(profile)}")


def _models(profile: Profile) -> Grid:
    """Returns the table of models, the best one first."""
    return Grid(
        head=("model", "right", "±", "dollars per 1,000", "seconds", "questions"),
        rows=tuple(
            (
                model.model_id,
                f"{model.mean_success * 100:.1f}",
                f"{model.mean_width * 100:.1f}",
                f"{model.usd_per_answer * 1000:.3g}",
                f"{model.median_s:.1f}",
                f"{model.answers}",
            )
            for model in profile.models
        ),
    )


def _kinds(profile: Profile) -> Grid:
    """Returns the table of kinds: the best model of each, and the next one."""
    rows = []
    for kind, name in enumerate(profile.kinds):
        ranked = sorted(profile.models, key=lambda model: -model.success[kind])
        cells = [name]
        for model in (*ranked[:2], None)[:2]:
            if model is None:
                cells += ["-", "-", "-"]
                continue
            width = Z_95 * model.errors[kind]
            cells += [model.model_id, f"{model.success[kind] * 100:.0f}", f"{width * 100:.0f}"]
        rows.append(tuple(cells))
    return Grid(head=("kind", "best", "right", "±", "next", "right", "±"), rows=tuple(rows))


def _sentences(kind: str, sentences: Sequence[str]) -> Grid:
    return Grid(head=(kind,), rows=tuple((sentence,) for sentence in sentences))
