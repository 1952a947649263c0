"""Named sets of policy values, and where a policy's values come from that a request leaves out."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from services.router.strategies.registry import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.config import RouterServiceConfig

# The settings of the RouteMoA paper's code for its pool of 5 and its pool of 15 models: three layers,
# at most three models in each, no weight of cost or latency. Its large pool knows no score gap.
_ROUTED = {
    "max_layer_models": 3,
    "max_layers": 3,
    "max_calls": 10,
    "cost_weight": 0.0,
    "latency_weight": 0.0,
}
_ALL_MODELS = {"max_layer_models": 16, "max_layers": 3, "max_calls": 64}

PRESETS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "small-pool": {
        "routemoa": _ROUTED | {"stopping_score": 0.805, "max_score_gap": 0.2},
        "moa": _ALL_MODELS,
        "smoa": _ALL_MODELS | {"smoa_kept_answers": 3},
    },
    "large-pool": {
        "routemoa": _ROUTED | {"stopping_score": 0.76, "max_score_gap": 1.0},
        "moa": _ALL_MODELS,
        "smoa": _ALL_MODELS | {"smoa_kept_answers": 3},
    },
}
"""Preset -> strategy -> setting -> value. A strategy that is not listed is not changed."""


@lru_cache(maxsize=64)  # every request asks for them
def policy_defaults(strategy: str, preset: str, config: RouterServiceConfig) -> Mapping[str, Any]:
    """Returns the value of every setting for a request that leaves the policy's field out.

    Where several say something, the preset comes first, then what the operator has set, then what the
    strategy takes by itself, then the service's default.

    Args:
        strategy: A known strategy.
        preset: A known preset; empty for none.
        config: The service's settings.
    """
    set_by_operator = {name: getattr(config, name) for name in config.model_fields_set}
    named = PRESETS[preset].get(strategy, {}) if preset else {}
    return MappingProxyType(
        {**dict(config), **STRATEGIES[strategy].defaults, **set_by_operator, **named}
    )
