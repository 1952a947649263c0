"""The baselines, worked out by hand on a pool of two models."""

from __future__ import annotations

import dataclasses

import pytest

from services.evaluation.answers.methods import (
    baseline_methods,
    best_model,
    best_model_by_task,
    best_single_method,
    router_methods,
    whole_pool_method,
)
from services.evaluation.answers.pacing import ReplayPacing
from tests.unit.evaluation.answers.samples import (
    CHEAP_USD,
    DEAR_USD,
    POOL,
    TEST,
    result_of,
    scores_of,
)


def test_the_best_single_model_is_chosen_on_train_and_scored_on_test() -> None:
    # Train means: cheap 2/4, dear 3/4; on test, cheap would be no worse.
    best = best_single_method(POOL, TEST)
    assert best.label == "best single model (dear)"
    assert scores_of(best.scores) == [0, 1, 1, 0]
    assert scores_of(best.costs_usd) == [DEAR_USD] * 4


def test_of_equally_good_models_the_first_by_name_is_best() -> None:
    assert best_model(("dear", "cheap"), [TEST[2]]) == "cheap"


def test_each_task_has_its_own_best_model_on_train() -> None:
    assert best_model_by_task(POOL) == {"maths": "dear", "law": "cheap"}


def test_the_baselines_are_those_worked_out_by_hand() -> None:
    per_task, chance, oracle = baseline_methods(POOL, TEST)
    everything = whole_pool_method(POOL, TEST)
    assert scores_of(per_task.scores) == [0, 1, 1, 0]
    assert scores_of(per_task.costs_usd) == [DEAR_USD, DEAR_USD, CHEAP_USD, CHEAP_USD]
    assert scores_of(chance.scores) == [0.5, 0.5, 1, 0]
    assert scores_of(chance.costs_usd) == pytest.approx([(CHEAP_USD + DEAR_USD) / 2] * 4)
    assert scores_of(oracle.scores) == [1, 1, 1, 0]
    assert scores_of(oracle.costs_usd) == [CHEAP_USD, DEAR_USD, CHEAP_USD, CHEAP_USD]
    assert everything.scores is None
    assert scores_of(everything.costs_usd) == pytest.approx([CHEAP_USD + DEAR_USD] * 4)


def test_times_are_those_of_the_recorded_lengths() -> None:
    pacing = ReplayPacing(first_token_s=1.0, tokens_per_second=2.0, speedup=10.0)
    pool = dataclasses.replace(POOL, pacing=pacing)
    # "dear 5" is two pieces, as is every answer here: one second to begin, one to write.
    assert scores_of(whole_pool_method(pool, TEST).latencies_s) == [2.0] * 4
    assert scores_of(best_single_method(pool, TEST).latencies_s) == [2.0] * 4
    final, _ = router_methods(pool, [result_of(TEST[0]), result_of(TEST[1], error="BROKEN")])
    assert scores_of(final.latencies_s) == [10.0, 0.0]


def test_a_task_that_train_does_not_have_gets_the_best_single_model() -> None:
    query = dataclasses.replace(TEST[0], task="new")
    per_task = baseline_methods(POOL, [query])[0]
    assert scores_of(per_task.costs_usd) == [DEAR_USD]


def test_a_pool_without_costs_has_no_dollars_anywhere() -> None:
    queries = [dataclasses.replace(query, costs_usd={}) for query in TEST]
    pool = dataclasses.replace(POOL, test=tuple(queries))
    methods = [
        *router_methods(pool, [result_of(queries[0])]),
        best_single_method(pool, queries),
        *baseline_methods(pool, queries),
    ]
    assert [method.costs_usd for method in methods] == [None] * 6
    assert all(method.scores is not None for method in methods)


def test_the_router_is_scored_by_its_final_answers_and_its_first_ranks() -> None:
    results = [
        result_of(TEST[0], first="cheap", score=0.0),
        result_of(TEST[1], first="cheap", score=1.0),
        result_of(TEST[2], first="dear", score=None),
        result_of(TEST[3], first=None, score=None, error="OVERLOADED"),
    ]
    final, first = router_methods(POOL, results)
    assert scores_of(final.scores) == [0, 1, 0, 0]
    assert scores_of(final.costs_usd) == [0.02, 0.02, 0.02, 0]
    assert scores_of(first.scores) == [1, 0, 1, 0]
    assert scores_of(first.costs_usd) == [CHEAP_USD, CHEAP_USD, DEAR_USD, 0]
