"""Reads policies: the defaults filled in, every field checked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from routemoa.errors import ModelNotFoundError
from services.router.routing.policy import (
    CALL_COUNTS,
    LAYER_COUNTS,
    LAYER_MODEL_COUNTS,
    SHARES,
    Policy,
)
from services.router.routing.presets import PRESETS, STRATEGY_DEFAULTS, kept_answer_count
from services.rpc.validation import listed

if TYPE_CHECKING:
    from routemoa.v1 import router_service_pb2
    from services.router.pool.pool import Pool
    from services.router.routing.policy import PolicySettings
    from services.router.routing.presets import PolicyDefaults
    from services.rpc.validation import Violations


def read_policy(
    message: router_service_pb2.RoutingPolicy,
    defaults: PolicyDefaults,
    pool: Pool,
    violations: Violations,
) -> Policy:
    """Returns the policy with the defaults filled in; records its violations.

    Raises:
        ModelNotFoundError: It names models that are not in the pool.
    """
    strategy, preset = _strategy_and_preset(message, defaults, violations)
    policy = _filled_in(
        message, defaults.settings(strategy, preset), strategy, kept_answer_count(preset)
    )
    _check(policy, violations)
    unknown = sorted(policy.model_ids - pool.by_id.keys())
    if unknown:
        names = listed(unknown)
        raise ModelNotFoundError(f"not in the pool: {names}", {"model_ids": names})
    return policy


def _filled_in(
    message: router_service_pb2.RoutingPolicy,
    default: PolicySettings,
    strategy: str,
    kept_answers: int,
) -> Policy:
    has = message.HasField
    return Policy(
        strategy=strategy,
        quality_weight=message.quality_weight if has("quality_weight") else default.quality_weight,
        usd_per_right_answer=(
            message.usd_per_right_answer
            if has("usd_per_right_answer")
            else default.usd_per_right_answer
        ),
        seconds_per_right_answer=(
            message.seconds_per_right_answer
            if has("seconds_per_right_answer")
            else default.seconds_per_right_answer
        ),
        cost_weight=message.cost_weight if has("cost_weight") else None,
        latency_weight=message.latency_weight if has("latency_weight") else None,
        max_layer_model_count=(
            message.max_layer_model_count
            if has("max_layer_model_count")
            else default.max_layer_model_count
        ),
        max_layer_count=(
            message.max_layer_count if has("max_layer_count") else default.max_layer_count
        ),
        stopping_score=message.stopping_score if has("stopping_score") else default.stopping_score,
        max_score_gap=message.max_score_gap if has("max_score_gap") else default.max_score_gap,
        price_band=message.price_band if has("price_band") else default.price_band,
        max_uncertainty=(
            message.max_uncertainty if has("max_uncertainty") else default.max_uncertainty
        ),
        max_expected_latency_s=(
            message.max_expected_latency.ToNanoseconds() / 1e9
            if has("max_expected_latency")
            else default.max_expected_latency_s
        ),
        max_cost_usd=message.max_cost_usd if has("max_cost_usd") else default.max_cost_usd,
        max_call_count=message.max_call_count if has("max_call_count") else default.max_call_count,
        max_token_count=(
            message.max_token_count if has("max_token_count") else default.max_token_count
        ),
        exploration_share=(
            message.exploration_share if has("exploration_share") else default.exploration_share
        ),
        kept_answer_count=kept_answers,
        model_ids=frozenset(message.model_ids),
    )


def _check(policy: Policy, violations: Violations) -> None:
    violations.within("policy.quality_weight", policy.quality_weight, *SHARES)
    for name in ("cost_weight", "latency_weight"):
        if (weight := getattr(policy, name)) is not None:
            violations.within(f"policy.{name}", weight, *SHARES)
    for name in ("usd_per_right_answer", "seconds_per_right_answer"):
        worth = getattr(policy, name)
        if worth is not None and not (worth > 0 and math.isfinite(worth)):
            violations.add(f"policy.{name}", f"must be above 0, is {worth:g}")
    violations.within("policy.stopping_score", policy.stopping_score, *SHARES)
    violations.within("policy.max_score_gap", policy.max_score_gap, *SHARES)
    violations.within("policy.price_band", policy.price_band, *SHARES)
    violations.within("policy.max_uncertainty", policy.max_uncertainty, *SHARES)
    violations.within("policy.exploration_share", policy.exploration_share, *SHARES)
    violations.within(
        "policy.max_layer_model_count", policy.max_layer_model_count, *LAYER_MODEL_COUNTS
    )
    violations.within("policy.max_layer_count", policy.max_layer_count, *LAYER_COUNTS)
    violations.within("policy.max_call_count", policy.max_call_count, *CALL_COUNTS)
    tokens, cost_usd = policy.max_token_count, policy.max_cost_usd
    if tokens is not None and tokens < 1:
        violations.add("policy.max_token_count", f"must be 1 or more, is {tokens}")
    if cost_usd is not None and not (cost_usd >= 0 and math.isfinite(cost_usd)):
        violations.add("policy.max_cost_usd", f"must be zero or more, is {cost_usd:g}")
    latency_s = policy.max_expected_latency_s
    if latency_s is not None and latency_s <= 0:
        violations.add("policy.max_expected_latency", f"must be above 0 s, is {latency_s:g} s")


def _strategy_and_preset(
    message: router_service_pb2.RoutingPolicy, defaults: PolicyDefaults, violations: Violations
) -> tuple[str, str]:
    """Returns known ones: the defaults in place of names that are unknown."""
    preset = message.preset
    preferred = PRESETS[preset].strategy if preset in PRESETS else defaults.strategy
    strategy = message.strategy or preferred
    if strategy not in STRATEGY_DEFAULTS:
        violations.add("policy.strategy", f"must be one of {', '.join(STRATEGY_DEFAULTS)}")
        strategy = defaults.strategy
    if preset and preset not in PRESETS:
        violations.add("policy.preset", f"must be one of {', '.join(PRESETS)}")
        preset = ""
    return strategy, preset
