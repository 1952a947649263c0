"""The limits of a policy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from services.router.routing.policy import PolicySettings
from services.router.types.amounts import Caps
from tests.unit.router.candidates import POLICY


def test_a_call_may_be_expected_to_take_as_long_as_the_limit_and_no_longer() -> None:
    policy = replace(POLICY, max_expected_latency_s=5.0)
    assert policy.allows_latency(5.0)
    assert not policy.allows_latency(5.001)
    assert POLICY.allows_latency(1e9)


@pytest.mark.parametrize(("models", "team"), [(1, 0), (2, 2), (3, 3)])
def test_one_model_alone_is_no_team(models: int, team: int) -> None:
    assert replace(POLICY, max_layer_model_count=models).team_size == team


def test_dollars_are_capped_in_billionths_and_what_has_no_limit_has_no_cap() -> None:
    policy = replace(POLICY, max_call_count=7, max_token_count=900, max_cost_usd=0.25)
    assert policy.caps == Caps(calls=7, tokens=900, nano_usd=250_000_000)
    assert POLICY.caps == Caps(calls=10)


def test_settings_are_shared_by_requests_and_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PolicySettings().max_layer_count = 1
