"""An answer report as a document of two tables: quality, and the run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.evaluation.report.document import ABSENT, Document, Grid, percent, percent_range

if TYPE_CHECKING:
    from services.evaluation.answers.answer_report import AnswerReport, Percentiles


def answer_document(report: AnswerReport) -> Document:
    """Returns the report with its settings and tables."""
    return Document(settings=report.settings, grids=(_quality(report), _run(report)))


def _quality(report: AnswerReport) -> Grid:
    rows = [
        (
            line.label,
            percent(line.score),
            percent_range(line.score),
            _number(line.usd_per_1000_queries, 3),
            _number(line.mean_latency_s, 2),
        )
        for line in report.lines
    ]
    gain = report.gain_over_best_single
    rows.append(
        (
            "final answer less best single model",
            f"{gain.mean * 100:+.1f}",
            percent_range(gain),
            "",
            "",
        )
    )
    head = ("", "right, %", "95 % interval", "$ per 1,000 queries", "mean s, simulated")
    return Grid(head=head, rows=tuple(rows))


def _run(report: AnswerReport) -> Grid:
    failed = [f"{reason} {count}" for reason, count in sorted(report.failed_queries.items())]
    savings = [
        (f"{name} saved of the whole pool's, %", f"{percent(saving)} ({percent_range(saving)})")
        for name, saving in report.savings.items()
    ]
    return Grid(
        head=("", "value"),
        rows=(
            *savings,
            ("queries", str(report.query_count)),
            ("queries without an answer (count as wrong)", ", ".join(failed) or "0"),
            (
                "final texts that are not recorded answers (count as wrong)",
                str(report.unmatched_count),
            ),
            ("calls per query", f"{report.calls_per_query:.2f}"),
            ("layers per query", f"{report.layers_per_query:.2f}"),
            ("calls that failed or were cancelled", str(report.failed_call_count)),
            ("fallbacks", str(report.fallback_count)),
            ("router overhead, p50 / p95", _milliseconds(report.overhead)),
            ("wait for the scorer, p50 / p95", _milliseconds(report.scorer_wait)),
            ("wait for the judge, p50 / p95", _milliseconds(report.judge_wait)),
            ("whole answer, p50 / p95", _milliseconds(report.total)),
        ),
    )


def _number(value: float | None, digits: int) -> str:
    return ABSENT if value is None else f"{value:.{digits}f}"


def _milliseconds(percentiles: Percentiles | None) -> str:
    if percentiles is None:
        return ABSENT
    return f"{percentiles.p50_ms:.1f} / {percentiles.p95_ms:.1f} ms"
