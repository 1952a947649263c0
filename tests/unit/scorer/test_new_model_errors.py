from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np

from scorer.training.mixture.new_model import Labelled, fit_new_model, score_error
from tests.unit.scorer.test_new_model import left_out, rows_of


def test_errors_shrink_with_labels_and_are_those_of_repeated_fits() -> None:
    errors, gaps = {}, []
    for count in (20, 200):
        truth, others, queries = left_out(3, count)
        found = fit_new_model(queries, others)
        errors[count] = score_error(found, queries, others)
    assert errors[200].mean_score_standard_error < errors[20].mean_score_standard_error
    assert errors[200].query_score_standard_error < errors[20].query_score_standard_error
    for seed in range(40):
        truth, others, queries = left_out(seed, 100)
        found = fit_new_model(queries, others)
        gap = (queries.class_weights @ (found - truth)).mean()
        gaps.append(gap / score_error(found, queries, others).mean_score_standard_error)
    assert 0.7 < np.std(gaps) < 1.5


def test_a_label_that_weighs_as_two_is_two_labels() -> None:
    _, others, queries = left_out(1, 60)
    twice = rows_of(queries, np.repeat(np.arange(60), 2))
    heavy = dataclasses.replace(queries, weights=np.full(60, 2.0))
    found = [fit_new_model(each, others) for each in (twice, heavy)]
    assert np.allclose(found[0], found[1], atol=1e-6)
    one, other = (
        score_error(model, each, others) for model, each in zip(found, (twice, heavy), strict=True)
    )
    assert np.isclose(one.mean_score_standard_error, other.mean_score_standard_error, rtol=1e-6)
    assert one.label_count == other.label_count == 120


def test_few_labels_leave_the_error_of_the_pool() -> None:
    _, others, queries = left_out(2, 30)
    light = dataclasses.replace(queries, weights=np.full(30, 1e-3))
    assert isinstance(light, Labelled)
    found = fit_new_model(light, others)
    assert score_error(found, light, others).mean_score_standard_error > 0.1


def test_many_labels_need_no_matrix_of_their_own_size() -> None:
    _, others, queries = left_out(2, 20_000)  # a square of them would take 3.2 GB
    tracemalloc.start()
    error = score_error(others.mean(axis=1), queries, others)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.mean_score_standard_error < 0.01
    assert peak < 100 * 2**20
