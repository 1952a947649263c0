"""The options of `routemoa eval` that need reading."""

from __future__ import annotations

import pytest
import typer

from routemoa.v1.router_service_pb2 import RoutingPolicy
from services.evaluation.answers.eval_command import draw_queries, parse_policy
from tests.unit.evaluation.answers.samples import POOL


def test_a_policy_is_read_field_by_field() -> None:
    policy = parse_policy(["cost_weight=0.25", "max_layer_count=2", "model_ids=a/b,c"])
    assert policy == RoutingPolicy(cost_weight=0.25, max_layer_count=2, model_ids=["a/b", "c"])


def test_a_weight_of_zero_is_set_and_not_left_out() -> None:
    assert parse_policy(["cost_weight=0"]).HasField("cost_weight")
    assert not parse_policy([]).HasField("cost_weight")


def test_everything_that_is_wrong_with_a_policy_is_named() -> None:
    with pytest.raises(typer.BadParameter) as caught:
        parse_policy(["cost_wait=1", "max_layer_count=two", "stopping_score"])
    message = str(caught.value)
    assert all(part in message for part in ("'cost_wait'", "'two'", "stopping_score: ''"))


def test_a_draw_is_repeated_by_its_seed_and_has_no_duplicates() -> None:
    drawn = draw_queries(POOL, 3, seed=1)
    assert drawn == draw_queries(POOL, 3, seed=1)
    assert len({query.id for query in drawn}) == 3
    assert len(draw_queries(POOL, 100, seed=1)) == len(POOL.test)
