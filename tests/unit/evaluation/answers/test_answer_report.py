"""The report: what is counted, how it reads, and that a program can read it."""

from __future__ import annotations

import dataclasses
import json

import pytest

from services.evaluation.answers.answer_report import AnswerReport, summarize_answers
from services.evaluation.answers.answer_tables import answer_document
from services.evaluation.report.document import console_table, markdown
from tests.unit.cli.text import rendered
from tests.unit.evaluation.answers.samples import POOL, TEST, result_of


def report_of(*, all_fail: bool = False) -> AnswerReport:
    results = [
        result_of(TEST[0], first="cheap", score=1.0, overhead_s=0.001),
        result_of(TEST[1], first="cheap", score=1.0, overhead_s=0.003),
        result_of(TEST[2], first="dear", score=None, overhead_s=0.002),
        result_of(TEST[3], first=None, score=None, error="OVERLOADED"),
    ]
    if all_fail:
        results = [result_of(query, score=None, error="OVERLOADED") for query in TEST]
    return summarize_answers(POOL, results, {"pool": "sample"}, seed=0)


def test_every_way_to_answer_has_its_line() -> None:
    report = report_of()
    means = {line.label: None if line.score is None else line.score.mean for line in report.lines}
    assert means == {
        "final answer": 0.5,
        "first-ranked model alone": 0.5,
        "best single model (dear)": 0.5,
        "best model per task": 0.5,
        "random model (expected)": 0.5,
        "oracle": 0.75,
        "whole pool": None,
    }
    assert report.lines[0].usd_per_1000_queries == pytest.approx(15.0)
    assert report.lines[-1].usd_per_1000_queries == pytest.approx(11.0)


def test_the_gain_is_paired_by_query() -> None:
    # Final 1 1 0 0 less best single 0 1 1 0: nothing on average, but not on every query.
    gain = report_of().gain_over_best_single
    assert gain.mean == 0
    assert gain.low < 0 < gain.high


def test_failures_are_counted_and_kept_out_of_the_means_over_answers() -> None:
    report = report_of()
    assert report.query_count == 4
    assert report.failed_queries == {"OVERLOADED": 1}
    assert report.unmatched_count == 1
    assert (report.calls_per_query, report.layers_per_query) == (3, 2)
    assert report.failed_call_count == 3
    assert report.overhead is not None
    assert report.overhead.p50_ms == pytest.approx(2.0)
    assert report.overhead.p95_ms == pytest.approx(2.9)


def test_a_run_in_which_everything_fails_can_still_be_shown() -> None:
    report = report_of(all_fail=True)
    assert report.overhead is None
    assert report.lines[0].score is not None
    assert report.lines[0].score.mean == 0
    assert "OVERLOADED 4" in markdown(answer_document(report))


def test_markdown_holds_settings_and_rows_of_equal_width() -> None:
    text = markdown(answer_document(report_of()))
    assert text.startswith("- pool: sample\n")
    tables = [block.splitlines() for block in text.strip().split("\n\n")[1:]]
    assert [{line.count("|") for line in table} for table in tables] == [{6}, {3}]
    assert "| final answer less best single model | +0.0 |" in text
    assert "| router overhead, p50 / p95 | 2.0 / 2.9 ms |" in text


def test_the_console_shows_the_same_rows() -> None:
    grids = answer_document(report_of()).grids
    shown = "".join(rendered(console_table(grid)) for grid in grids)
    for label in ("final answer", "oracle", "whole pool", "router overhead, p50 / p95"):
        assert label in shown


def test_a_program_can_read_the_report() -> None:
    content = json.loads(json.dumps(dataclasses.asdict(report_of())))
    assert content["failed_queries"] == {"OVERLOADED": 1}
    assert content["lines"][0]["score"]["mean"] == 0.5
