"""A report -> its two tables, on the console or as Markdown. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routemoa.cli.evaluation.bootstrap import Estimate
    from routemoa.cli.evaluation.report import Percentiles, Report

_ABSENT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """A table before it has a form: first column to the left, the others to the right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def console_tables(report: Report) -> tuple[Table, ...]:
    """Returns the report for the console."""
    return tuple(_console_table(grid) for grid in (_quality(report), _run(report)))


def markdown(report: Report) -> str:
    """Returns the report as Markdown, with its settings."""
    settings = "\n".join(f"- {name}: {value}" for name, value in report.settings.items())
    grids = "\n\n".join(_markdown_table(grid) for grid in (_quality(report), _run(report)))
    return f"{settings}\n\n{grids}\n"


def _quality(report: Report) -> _Grid:
    rows = [
        (
            line.label,
            _percent(line.score),
            _interval(line.score),
            _number(line.usd_per_1000_queries, 3),
            _number(line.mean_latency_s, 2),
        )
        for line in report.lines
    ]
    gain = report.gain_over_best_single
    rows.append(
        ("final answer less best single model", f"{gain.mean * 100:+.1f}", _interval(gain), "", "")
    )
    head = ("", "right, %", "95 % interval", "$ per 1,000 queries", "mean s, simulated")
    return _Grid(head=head, rows=tuple(rows))


def _run(report: Report) -> _Grid:
    failed = [f"{reason} {count}" for reason, count in sorted(report.failed_queries.items())]
    savings = [
        (f"{name} saved of the whole pool's, %", f"{_percent(saving)} ({_interval(saving)})")
        for name, saving in report.savings.items()
    ]
    return _Grid(
        head=("", "value"),
        rows=(
            *savings,
            ("queries", str(report.query_count)),
            ("queries without an answer (count as wrong)", ", ".join(failed) or "0"),
            (
                "final texts that are no recorded answer (count as wrong)",
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
    return _ABSENT if value is None else f"{value:.{digits}f}"


def _percent(estimate: Estimate | None) -> str:
    return _ABSENT if estimate is None else f"{estimate.mean * 100:.1f}"


def _interval(estimate: Estimate | None) -> str:
    if estimate is None:
        return _ABSENT
    return f"{estimate.low * 100:.1f} to {estimate.high * 100:.1f}"


def _milliseconds(percentiles: Percentiles | None) -> str:
    if percentiles is None:
        return _ABSENT
    return f"{percentiles.p50_ms:.1f} / {percentiles.p95_ms:.1f} ms"


def _console_table(grid: _Grid) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for number, name in enumerate(grid.head):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in grid.rows:
        table.add_row(*row)
    return table


def _markdown_table(grid: _Grid) -> str:
    rule = ("---", *("---:" for _ in grid.head[1:]))
    rows: Sequence[tuple[str, ...]] = (grid.head, rule, *grid.rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
