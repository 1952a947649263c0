from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.router.routing.policy import PolicySettings
from services.router.routing.presets import PRESETS, PolicyDefaults, kept_answer_count
from services.router.strategies.registry import STRATEGIES


def defaults(operator: PolicySettings, strategy: str, preset: str = "") -> PolicySettings:
    return PolicyDefaults(operator, strategy="routemoa").settings(strategy, preset)


def test_a_preset_comes_before_what_the_operator_set() -> None:
    operator = PolicySettings(max_layer_count=1, stopping_score=0.5)
    found = defaults(operator, "layers", "small-pool")
    assert (found.max_layer_count, found.stopping_score) == (3, 0.805)


def test_what_the_operator_set_comes_before_the_strategys_own() -> None:
    assert defaults(PolicySettings(), "moa").max_layer_model_count == 16
    assert defaults(PolicySettings(max_layer_model_count=4), "moa").max_layer_model_count == 4


def test_an_operator_may_set_the_services_own_default_against_a_strategys() -> None:
    service = PolicySettings().max_layer_count
    assert defaults(PolicySettings(), "cascade").max_layer_count != service
    assert defaults(PolicySettings(max_layer_count=service), "cascade").max_layer_count == service


def test_a_strategys_own_come_before_the_services_default() -> None:
    assert defaults(PolicySettings(), "routemoa").max_call_count == 10
    for strategy in ("moa", "smoa"):
        found = defaults(PolicySettings(), strategy)
        assert (found.max_layer_model_count, found.max_layer_count) == (16, 2)
        assert found.max_call_count == 64
    found = defaults(PolicySettings(), "self-moa")
    assert (found.max_layer_model_count, found.max_layer_count) == (6, 1)
    found = defaults(PolicySettings(), "cascade")
    assert (found.max_layer_count, found.stopping_score) == (4, 1)


def test_a_request_that_names_no_strategy_gets_the_operators() -> None:
    assert PolicyDefaults(PolicySettings(), strategy="cascade").strategy == "cascade"


def test_a_preset_says_how_many_answers_are_kept() -> None:
    assert [kept_answer_count(preset) for preset in ("", "small-pool", "large-pool")] == [2, 3, 3]


@pytest.mark.parametrize("preset", ["", *PRESETS])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_presets_and_strategies_keep_the_bounds(preset: str, strategy: str) -> None:
    found = defaults(PolicySettings(), strategy, preset)
    assert PolicySettings.model_validate(found.model_dump()) == found


def test_a_policy_has_no_other_fields_and_no_values_out_of_bounds() -> None:
    with pytest.raises(ValidationError):
        PolicySettings.model_validate({"max_layers": 2})
    with pytest.raises(ValidationError):
        PolicySettings(max_layer_count=6)


@pytest.mark.parametrize(
    ("preset", "stopping_score", "max_score_gap"),
    [("small-pool", 0.805, 0.2), ("large-pool", 0.76, 1)],
)
def test_presets_are_the_settings_of_the_paper(
    preset: str, stopping_score: float, max_score_gap: float
) -> None:
    operator = PolicySettings(usd_per_right_answer=0.3, max_layer_model_count=2)
    routed = defaults(operator, "layers", preset)
    assert (routed.stopping_score, routed.max_score_gap) == (stopping_score, max_score_gap)
    assert (routed.max_layer_model_count, routed.max_layer_count) == (3, 3)
    assert routed.max_call_count == 3 * 3 + 1  # three layers of three models, and the aggregator
    assert (routed.usd_per_right_answer, routed.seconds_per_right_answer) == (None, None)
    for strategy in ("moa", "smoa"):
        everybody = defaults(operator, strategy, preset)
        assert (everybody.max_layer_model_count, everybody.max_layer_count) == (16, 3)
        assert everybody.max_call_count == 64


def test_presets_name_strategies() -> None:
    assert {name for preset in PRESETS.values() for name in preset.policies} <= set(STRATEGIES)
