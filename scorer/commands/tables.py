"""Shows values as tables; programs use ``--json`` instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from scorer.learning.belief.held_out import sentence
from scorer.measures.benefit import benefit_in, points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scorer.belief.parameters import BeliefParameters
    from scorer.data.overlap import Overlap
    from scorer.evaluation.evaluate import Evaluation
    from scorer.learning.changes import ModelChange
    from scorer.learning.report import Report
    from scorer.measures.benefit import Benefit
    from scorer.runtime.artifact import Manifest, ParityCheck
    from scorer.training.mixture.new_model import ScoreError


def metrics(figures: Mapping[str, float], *, title: str | None = None) -> Table:
    """Returns one row per figure."""
    table = Table("figure", "value", title=title)
    for name, value in figures.items():
        table.add_row(name, str(value) if isinstance(value, int) else f"{value:.4f}")
    return table


def score_errors(errors: Mapping[str, ScoreError], *, title: str) -> Table:
    """Returns one row per model, with the error of its scores."""
    table = Table("model", "labels", "mean score", "its error", "error of a query", title=title)
    for model_id, error in errors.items():
        table.add_row(
            model_id,
            f"{error.label_count:.0f}",
            f"{error.mean_score:.3f}",
            f"{error.mean_score_standard_error:.3f}",
            f"{error.query_score_standard_error:.3f}",
        )
    return table


def counts(figures: Mapping[str, int]) -> Table:
    """Returns one row per count."""
    table = Table("what", "count")
    for name, value in figures.items():
        table.add_row(name, str(value))
    return table


def parity(checks: Sequence[ParityCheck]) -> Table:
    """Returns one row per measurement, with its gate."""
    table = Table("check", "value", "gate", "passed", title="Parity")
    for check in checks:
        gates = [f">= {check.minimum:g}"] if check.minimum is not None else []
        gates += [f"<= {check.maximum:g}"] if check.maximum is not None else []
        passed = ("yes" if check.passed else "NO") if gates else ""
        table.add_row(check.name, f"{check.value:.2g}", " and ".join(gates), passed)
    return table


def learned(report: Report) -> Table:
    """Returns one row per model with labels, most labels first."""
    table = Table(
        "model",
        "labels",
        "score before",
        "after",
        "changed",
        title=f"{report.version}: {report.decisions} decisions with feedback",
        caption=f"{report.comparison.sentence()}.",
    )
    for model in sorted(report.models, key=lambda each: -each.labels):
        after = f"{model.after:.3f} ± {model.standard_error:.3f}"
        table.add_row(
            model.model_id, str(model.labels), f"{model.before:.3f}", after, model.changed
        )
    return table


def changes(found: Sequence[ModelChange]) -> Table:
    """Returns one row per model that changed."""
    table = Table("model", "is", "answers with feedback since", title="Changed models")
    for change in found:
        table.add_row(change.model_id, change.sentence, str(change.labels_after))
    return table


def benefit(found: Benefit, best_single: str) -> Table:
    """Returns one row per way to choose, with the gain of the scorer over it."""
    table = Table(
        "first choice by",
        "mean score",
        "gain of the scorer [95 %]",
        title=f"Does choosing by query help? {found.record_count} held-out records",
        caption=f"{found.sentence(best_single)}.",
    )
    table.add_row("the scorer", f"{found.score:.4f}", "")
    ways = {f"always {best_single}": found.over_best_single, "kNN": found.over_knn}
    for name, gain in ways.items():
        table.add_row(name, f"{found.score - gain.mean:.4f}", points(gain))
    return table


def evaluation(result: Evaluation) -> Table:
    """Returns one row per ranker; the caption has the calibration and what was left out."""
    calibration = result.calibration
    caption = (
        f"{result.query_count} queries, {result.model_count} models. Calibration of the scorer: "
        f"error {calibration.calibration_error:.4f}, Brier {calibration.brier:.4f}, "
        f"loss {calibration.loss:.4f}."
    )
    if result.unlabelled_query_count:
        caption += f" Left out: {result.unlabelled_query_count} queries without a known model."
    if result.unknown_model_ids:
        caption += f" Unknown to the scorer: {', '.join(result.unknown_model_ids)}."
    table = Table(
        "ranker", "mean score", "hit@1", "hit@3", "regret", title=result.version, caption=caption
    )
    for name, figures in result.rankings.items():
        table.add_row(
            name,
            f"{figures.mean_score:.4f}",
            f"{figures.hit_at_1:.4f}",
            f"{figures.hit_at_3:.4f}",
            f"{figures.regret:.4f}",
        )
    return table


def manifest(document: Manifest) -> Table:
    """Returns the fields of a manifest."""
    table = Table("field", "value", title=document.version, show_lines=True)
    table.add_row("created", document.created)
    table.add_row("tier", document.tier)
    if document.encoder_name:
        table.add_row("encoder", f"{document.encoder_name}\n{document.encoder_licence}")
    table.add_row("precision", document.precision)
    table.add_row("longest query", f"{document.max_tokens} tokens, both ends kept")
    table.add_row("n-gram ids", str(document.ngram_buckets))
    kinds = ", ".join(skill.name for skill in document.skills)
    table.add_row(f"kinds of query ({len(document.skills)}), and their commonest tasks", kinds)
    table.add_row("models that run together", document.team_rule.replace("_", " "))
    table.add_row(f"models ({len(document.model_ids)})", "\n".join(document.model_ids))
    for source in document.data_sources:
        rows = f"{source.train_rows} rows trained on, {source.validation_rows} held out"
        table.add_row(f"data: {source.name}", f"{source.licence}\n{source.url}\n{rows}")
    for name, digest in document.files.items():
        table.add_row(f"{name} (verified)", f"sha256 {digest}")
    measured = benefit_in(document.metrics)
    table.add_row("helps", measured.sentence() if measured else "not measured")
    table.add_row("metrics", metrics(document.metrics))
    table.add_row("parity", parity(document.parity))
    return table


def belief(parameters: BeliefParameters) -> Table:
    """Returns a table of what each model's words are worth, in log odds for each of the score."""
    held_out = parameters.held_out
    gain = "" if held_out is None else f" {sentence(held_out)}."
    table = Table(
        "model",
        "self-scores",
        "worth",
        "grades",
        "worth",
        title=f"{parameters.version}, from {parameters.decision_count} decisions",
        caption=f"{parameters.text_share:.0%} of what the answer scorer says counts.{gain}",
    )
    for model_id in sorted(parameters.model_ids):
        cells = []
        for curves in (parameters.self_scores, parameters.grades):
            curve = curves.get(model_id)
            cells += ["", ""] if curve is None else [str(curve.count), f"{curve.slope:.2f}"]
        table.add_row(model_id, *cells)
    return table


def overlaps(found: Sequence[Overlap], row_counts: Mapping[str, int]) -> Table:
    """Returns a table of files x files: rows of one file whose question is also in the other."""
    columns = {name: str(number) for number, name in enumerate(row_counts, start=1)}
    table = Table(
        "",
        "file",
        "rows",
        *columns.values(),
        title="Rows whose question is also in ...",
        caption="a + b + c: a with the same text, b more with the same stem and other choices, "
        "c more where one text is a line of the other.",
    )
    cells = {(overlap.file, overlap.other): _shared(overlap) for overlap in found}
    for name, number in columns.items():
        shared = [cells[name, other] for other in columns]
        table.add_row(number, name, str(row_counts[name]), *shared)
    return table


def _shared(overlap: Overlap) -> str:
    counts = [len(rows) for rows in overlap.rows.values()]
    return " + ".join(map(str, counts)) if any(counts) else ""
