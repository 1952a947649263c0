from __future__ import annotations

from pathlib import Path

import pytest

from services.router.config import RouterServiceConfig
from services.router.strategies.presets import PRESETS, policy_defaults
from services.router.strategies.registry import STRATEGIES


def config(**settings: object) -> RouterServiceConfig:
    return RouterServiceConfig(pool_file=Path("pool.yaml"), **settings)  # type: ignore[arg-type]


def test_a_preset_comes_before_what_the_operator_set() -> None:
    defaults = policy_defaults("routemoa", "small-pool", config(max_layers=1, stopping_score=0.5))
    assert defaults["max_layers"] == 3
    assert defaults["stopping_score"] == 0.805


def test_what_the_operator_set_comes_before_the_strategys_own() -> None:
    assert policy_defaults("moa", "", config())["max_layer_models"] == 16
    assert policy_defaults("moa", "", config(max_layer_models=4))["max_layer_models"] == 4


def test_a_strategys_own_come_before_the_services_default() -> None:
    assert policy_defaults("routemoa", "", config())["max_calls"] == 10
    assert policy_defaults("moa", "", config())["max_calls"] == 64


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_presets_and_strategies_name_settings_and_keep_their_bounds(
    preset: str, strategy: str
) -> None:
    changed = {**STRATEGIES[strategy].defaults, **PRESETS[preset].get(strategy, {})}
    assert config(**changed).model_dump().items() >= changed.items()
    assert set(changed) <= set(RouterServiceConfig.model_fields)


def test_presets_name_strategies() -> None:
    assert {name for preset in PRESETS.values() for name in preset} <= set(STRATEGIES)
