"""The page of a comparison says what the intervals say, and nothing else."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from scorer.evaluation.dataset import Features
from scorer.evaluation.harness import compare
from scorer.evaluation.methods.baselines import BestSingle, Chance
from scorer.evaluation.methods.knn import NearestNeighbours
from scorer.evaluation.quality_page import quality_page
from scorer.evaluation.quality_tables import findings, score_differences
from scorer.measures.intervals import Interval
from tests.unit.scorer.evaluation.toy import toy_pool

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.evaluation.results import TestResult

METHODS = (Chance(), BestSingle(), NearestNeighbours(), NearestNeighbours(name="routemoa"))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[TestResult]:
    directory: Path = tmp_path_factory.mktemp("runs")
    return compare(toy_pool(), METHODS, seeds=1, directory=directory)


def test_a_page_has_every_method_on_every_test(results: list[TestResult]) -> None:
    page = quality_page({Features.NGRAMS: results, Features.ENCODER: results}, seeds=1)
    head = "| method | toy (300) | toy OOD (90) | toy, all rows (390) |"
    assert page.count(head) == 2 + 5  # twice the first choice, once each other table
    assert "compare --features ngrams --features encoder" in page
    score = results[0].methods["knn"].figures["mean_score"].mean
    assert f"| kNN | {100 * score:.1f} |" in page
    assert "toy (300): method" in page  # the pool has costs
    assert all(len(line) <= 100 for line in page.splitlines() if not line.startswith("|"))


def test_findings_follow_the_intervals(results: list[TestResult]) -> None:
    def against_best_single(*intervals: Interval) -> str:
        changed = []
        for result, interval in zip(results, (*intervals, intervals[0]), strict=True):
            ours = result.methods["routemoa"]
            given = dict.fromkeys(ours.differences, interval)
            methods = {**result.methods, "routemoa": dataclasses.replace(ours, differences=given)}
            changed.append(dataclasses.replace(result, methods=methods))
        return " ".join(line.strip() for line in findings(changed, score_differences))

    gain, loss = Interval(mean=2, low=1, high=3), Interval(mean=-2, low=-3, high=-1)
    tie = Interval(mean=1, low=-1, high=3)
    assert (
        "best single model (train): better on toy; worse on toy OOD; within the interval on 0"
        in (against_best_single(gain, loss))
    )
    # All rows together repeat the rows of the tests, so they do not count as a third test.
    assert "better on none; worse on none; within the interval on 2 of 2" in (
        against_best_single(tie, tie)
    )
