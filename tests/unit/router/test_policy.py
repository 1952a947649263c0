"""The limits of a policy."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from pydantic import ValidationError

from services.router.routing.policy import PolicySettings
from services.router.types.amounts import Caps
from tests.unit.router.candidates import POLICY


def test_a_call_may_be_expected_to_take_as_long_as_the_limit_and_no_longer() -> None:
    policy = replace(POLICY, max_expected_latency_s=5.0)
    assert policy.latency_limit_s == 5.0
    assert POLICY.latency_limit_s == math.inf


@pytest.mark.parametrize(("models", "team"), [(1, None), (2, 2), (3, 3)])
def test_one_model_alone_is_no_team(models: int, team: int | None) -> None:
    assert replace(POLICY, max_layer_model_count=models).team_size == team


def test_dollars_are_capped_in_billionths_and_what_has_no_limit_has_no_cap() -> None:
    policy = replace(POLICY, max_call_count=7, max_token_count=900, max_cost_usd=0.25)
    assert policy.caps == Caps(calls=7, tokens=900, nano_usd=250_000_000)
    assert POLICY.caps == Caps(calls=10)


def test_settings_are_shared_by_requests_and_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PolicySettings().max_layer_count = 1


def test_a_request_that_leaves_everything_out_has_the_documented_defaults() -> None:
    assert PolicySettings().model_dump() == {
        "quality_weight": 1.0,
        "usd_per_right_answer": 0.05,
        "seconds_per_right_answer": 1000.0,
        "max_layer_model_count": 3,
        "max_layer_count": 2,
        "stopping_score": 0.8,
        "max_score_gap": 0.1,
        "price_band": 0.002,
        "max_uncertainty": 0.5,
        "max_expected_latency_s": None,
        "max_cost_usd": None,
        "max_call_count": 10,
        "max_token_count": None,
        "exploration_share": 0.0,
    }


SHARES = (
    "quality_weight",
    "stopping_score",
    "max_score_gap",
    "price_band",
    "max_uncertainty",
)


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        *((name, 0, 1) for name in SHARES),
        ("max_layer_model_count", 1, 16),
        ("max_layer_count", 1, 5),
        ("max_call_count", 1, 64),
    ],
)
def test_a_setting_reaches_its_bounds_and_not_beyond(field: str, low: int, high: int) -> None:
    for value in (low, high):
        assert getattr(PolicySettings.model_validate({field: value}), field) == value
    for value in (low - 1, high + 1):
        with pytest.raises(ValidationError):
            PolicySettings.model_validate({field: value})


@pytest.mark.parametrize(
    ("field", "least", "too_little"),
    [
        ("max_expected_latency_s", 1e-9, 0),
        ("max_cost_usd", 0, -1e-9),
        ("max_token_count", 1, 0),
    ],
)
def test_a_limit_has_a_least_value_and_no_greatest(
    field: str, least: float, too_little: float
) -> None:
    for value in (least, 10**9, None):
        assert getattr(PolicySettings.model_validate({field: value}), field) == value
    with pytest.raises(ValidationError):
        PolicySettings.model_validate({field: too_little})


def test_an_expected_latency_without_end_is_no_limit() -> None:
    with pytest.raises(ValidationError):
        PolicySettings(max_expected_latency_s=float("inf"))


def test_changes_replace_only_the_fields_that_they_set() -> None:
    operator = PolicySettings(usd_per_right_answer=0.3, max_layer_count=4)
    changed = operator.updated(PolicySettings(max_layer_count=2))
    assert (changed.usd_per_right_answer, changed.max_layer_count) == (0.3, 2)
