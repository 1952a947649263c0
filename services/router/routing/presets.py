"""The strategies' own defaults, named presets, and the policy of a request that leaves fields out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.routing.policy import PolicySettings

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT_ANSWER_COUNT = 2
"""Answers of a layer that the judge of `smoa` keeps."""

STRATEGY_DEFAULTS: Mapping[str, PolicySettings] = {
    # The price of a call decides, not a score.
    "routemoa": PolicySettings(max_layer_count=4, stopping_score=1.0),
    "layers": PolicySettings(),
    "cascade": PolicySettings(max_layer_count=4, stopping_score=1.0),
    "single": PolicySettings(),
    "moa": PolicySettings(max_layer_model_count=16, max_layer_count=2, max_call_count=64),
    "smoa": PolicySettings(max_layer_model_count=16, max_layer_count=2, max_call_count=64),
    "self-moa": PolicySettings(max_layer_model_count=6, max_layer_count=1),
}
"""The values of each strategy for fields that neither the request nor the operator sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The fields that a preset sets, by strategy. A strategy that is not listed keeps its values."""

    policies: Mapping[str, PolicySettings]
    strategy: str
    """The strategy of requests that name none."""
    kept_answer_count: int = KEPT_ANSWER_COUNT


# The settings of the RouteMoA paper's code for its pool of 5 and its pool of 15 models: three layers,
# at most three models in each, no price of cost or latency. Its large pool knows no score gap.
_ROUTED = PolicySettings(
    max_layer_model_count=3,
    max_layer_count=3,
    max_call_count=10,
    usd_per_right_answer=None,
    seconds_per_right_answer=None,
)
_ALL_MODELS = PolicySettings(max_layer_model_count=16, max_layer_count=3, max_call_count=64)

PRESETS: Mapping[str, Preset] = {
    "small-pool": Preset(
        policies={
            "layers": _ROUTED.updated(PolicySettings(stopping_score=0.805, max_score_gap=0.2)),
            "moa": _ALL_MODELS,
            "smoa": _ALL_MODELS,
        },
        strategy="layers",
        kept_answer_count=3,
    ),
    "large-pool": Preset(
        policies={
            "layers": _ROUTED.updated(PolicySettings(stopping_score=0.76, max_score_gap=1.0)),
            "moa": _ALL_MODELS,
            "smoa": _ALL_MODELS,
        },
        strategy="layers",
        kept_answer_count=3,
    ),
}


class PolicyDefaults:
    """The values of the policy's fields that a request leaves out.

    Where several set a field, the preset's value comes first, then the operator's, then the
    strategy's own, then the service's default. All are put together once: every request reads them.

    Args:
        operator: The service's settings; the fields that are not set are the service's defaults.
        strategy: The strategy of requests that name none.
    """

    def __init__(self, operator: PolicySettings, *, strategy: str) -> None:
        self.strategy = strategy
        self._settings = {
            (name, preset): _settings(operator, name, preset)
            for name in STRATEGY_DEFAULTS
            for preset in ("", *PRESETS)
        }

    def settings(self, strategy: str, preset: str) -> PolicySettings:
        """Returns the values for a known strategy and a known preset; an empty one means none."""
        return self._settings[strategy, preset]


def kept_answer_count(preset: str) -> int:
    """Returns how many answers the judge of `smoa` keeps with a known preset, or with none."""
    return PRESETS[preset].kept_answer_count if preset else KEPT_ANSWER_COUNT


def _settings(operator: PolicySettings, strategy: str, preset: str) -> PolicySettings:
    settings = PolicySettings().updated(STRATEGY_DEFAULTS[strategy]).updated(operator)
    if preset and strategy in PRESETS[preset].policies:
        return settings.updated(PRESETS[preset].policies[strategy])
    return settings
