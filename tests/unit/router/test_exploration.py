"""Exploration: which model is tried, how often, and for how much money."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.exploration.chances import Exploration, chances, propensities
from services.router.exploration.explorer import Explorer
from tests.unit.router.candidates import POLICY, candidate, rank

if TYPE_CHECKING:
    from services.router.routing.policy import Policy

DAY = date(2026, 12, 1)
SCORES = {"a": 0.8, "b": 0.7, "c": 0.65, "d": 0.3}
RANKED = rank([candidate(m, score, cost=0.01) for m, score in SCORES.items()], POLICY)
"""The worst case of a call is two cents."""


def policy(share: float) -> Policy:
    return replace(POLICY, exploration_share=share)


def explorer(usd_per_day: float = 1.0) -> Explorer:
    return Explorer(usd_per_day=usd_per_day, draw=random.Random(1), today=lambda: DAY)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=3),
        st.tuples(st.floats(0, 1), st.floats(0.005, 0.5)),
        min_size=1,
        max_size=16,
    )
)
def test_the_chances_are_probabilities(models: dict[str, tuple[float, float]]) -> None:
    found = chances({m: u for m, (u, _) in models.items()}, {m: e for m, (_, e) in models.items()})
    assert sum(found.values()) == pytest.approx(1.0)
    assert all(0 <= chance <= 1 for chance in found.values())


def test_chances_are_those_of_normal_draws() -> None:
    utilities, bars = {"a": 0.6, "b": 0.5, "c": 0.2}, {"a": 0.05, "b": 0.15, "c": 0.2}
    draw, wins = random.Random(0), Counter[str]()
    for _ in range(20_000):
        values = {m: draw.gauss(utilities[m], bars[m]) for m in utilities}
        wins[max(values, key=values.__getitem__)] += 1
    for model, chance in chances(utilities, bars).items():
        assert chance == pytest.approx(wins[model] / 20_000, abs=0.015)


def test_a_share_of_the_requests_tries_a_model_that_is_not_first() -> None:
    ours = explorer(usd_per_day=1e6)
    found = [ours.explore(RANKED, policy(0.2), POLICY.caps) for _ in range(2_000)]
    tried = Counter(each.model_id for each in found if each is not None)
    assert sum(n for m, n in tried.items() if m is not None) == pytest.approx(400, abs=60)
    assert tried["a"] == 0
    assert tried["b"] > tried["c"] > tried["d"]


def test_a_model_that_has_answered_often_is_tried_less() -> None:
    ours = explorer()
    before = ours.explore(RANKED, policy(0.0001), POLICY.caps)
    for _ in range(500):
        ours.count("d")
    after = ours.explore(RANKED, policy(0.0001), POLICY.caps)
    assert before is not None
    assert after is not None
    assert after.chances["d"] < before.chances["d"] / 2


def test_the_daily_budget_is_never_exceeded_and_starts_anew_each_day() -> None:
    ours = explorer(usd_per_day=0.05)
    found = [ours.explore(RANKED, policy(1.0), POLICY.caps) for _ in range(10)]
    assert [each is None for each in found] == [False, False] + [True] * 8
    ours.today = lambda: date(2026, 12, 2)
    assert ours.explore(RANKED, policy(1.0), POLICY.caps) is not None


def test_what_a_call_cost_replaces_what_was_set_aside() -> None:
    ours = explorer(usd_per_day=0.05)
    for _ in range(20):
        found = ours.explore(RANKED, policy(1.0), POLICY.caps)
        assert found is not None
        ours.settle(found, 0.001)


def test_nothing_is_tried_without_a_share_or_another_model() -> None:
    assert explorer().explore(RANKED, policy(0.0), POLICY.caps) is None
    assert explorer().explore(rank([candidate("a", 0.8)], POLICY), policy(1.0), POLICY.caps) is None


def test_propensities_of_a_single_model_sum_to_one() -> None:
    found = propensities(exploration(["a"], {"b": 0.75, "c": 0.25}))
    assert found == pytest.approx({"a": 0.9, "b": 0.075, "c": 0.025})


def test_a_tried_model_runs_instead_of_all_usual_ones() -> None:
    found = propensities(exploration(["a", "b"], {"b": 0.5, "c": 0.5}))
    assert found == pytest.approx({"a": 0.9, "b": 0.95, "c": 0.05})


def exploration(usual_ids: list[str], drawn: dict[str, float]) -> Exploration:
    return Exploration(model_id=None, chances=drawn, share=0.1, usual_ids=tuple(usual_ids))
