"""The pool file that a replay is routed by."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from services.evaluation.answers.pool_file import pool_yaml
from tests.unit.evaluation.answers.samples import CHEAP_USD, DEAR_USD, POOL

URL = "http://127.0.0.1:9/v1"


def test_a_call_of_mean_size_costs_the_recorded_mean() -> None:
    cheap, dear = yaml.safe_load(pool_yaml(POOL, URL))["models"]
    assert (cheap["id"], dear["id"]) == ("cheap", "dear")
    assert cheap["url"] == dear["url"] == URL
    # "Question 1?" has 11 characters, so 3 tokens; "cheap 1" and "dear 1" have 2.
    for model, cost_usd in ((cheap, CHEAP_USD), (dear, DEAR_USD)):
        assert model["expected_reply_tokens"] == 2
        price = model["prompt_price_usd_per_million_tokens"]
        assert price == model["completion_price_usd_per_million_tokens"]
        assert price * (3 + 2) / 1e6 == pytest.approx(cost_usd)


def test_the_prior_score_of_a_model_is_its_mean_train_score() -> None:
    priors = [model["prior_score"] for model in yaml.safe_load(pool_yaml(POOL, URL))["models"]]
    assert priors == [0.5, 0.75]


def test_a_pool_without_costs_is_free() -> None:
    train = tuple(dataclasses.replace(r, costs_usd={}, responses={}) for r in POOL.train)
    pool = dataclasses.replace(POOL, train=train)
    for model in yaml.safe_load(pool_yaml(pool, URL))["models"]:
        assert model["prompt_price_usd_per_million_tokens"] == 0
        assert model["expected_reply_tokens"] == 300


def test_recorded_queries_reach_the_simulator_as_they_were_whatever_the_models_name() -> None:
    assert {m["family"] for m in yaml.safe_load(pool_yaml(POOL, URL))["models"]} == {"other"}
