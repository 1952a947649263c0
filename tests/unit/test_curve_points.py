"""The measures of a curve beside the best single model."""

from __future__ import annotations

import pytest

from tests.bench.curves.points import pareto_frontier, points, summaries
from tests.bench.curves.ways import SINGLES, Replayed


def replayed(way: str, setting: str, right: int, usd: float) -> Replayed:
    """Returns a way that is right in so many of ten queries, at so many dollars each."""
    return Replayed(
        way=way,
        setting=setting,
        scores=[1.0] * right + [0.0] * (10 - right),
        costs_usd=[usd] * 10,
        seconds=[1.0] * 10,
        calls=[1] * 10,
    )


BEST = replayed(SINGLES, "best", 8, 0.010)
CHEAP = replayed(SINGLES, "cheap", 4, 0.002)


def test_a_curve_is_summed_up_by_its_best_settings() -> None:
    found = points(
        [BEST, CHEAP, replayed("ours", "a", 9, 0.012), replayed("ours", "b", 8, 0.005)], BEST
    )
    (ours,) = summaries(found, best_right=0.8)
    assert ours.performance_gain == pytest.approx(0.9 / 0.8 - 1)
    assert ours.cost_saving == pytest.approx(0.5)
    assert ours.pareto_distance == 0.0


def test_a_way_that_is_never_as_good_saves_nothing_and_is_off_the_frontier() -> None:
    found = points([BEST, CHEAP, replayed("ours", "a", 6, 0.010)], BEST)
    (ours,) = summaries(found, best_right=0.8)
    assert ours.performance_gain < 0
    assert ours.cost_saving is None
    # Half of the range of the single models' right answers below the best one.
    assert ours.pareto_distance == pytest.approx(0.5)


def test_the_frontier_has_what_none_surpasses_for_its_dollars() -> None:
    found = points([BEST, CHEAP, replayed("ours", "a", 4, 0.003)], BEST)
    assert [each.setting for each in pareto_frontier(found)] == ["cheap", "best"]
