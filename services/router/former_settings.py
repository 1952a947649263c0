"""The router's settings that have another name now, or are constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.rpc.config import ServiceConfig
from services.rpc.former_settings import Removed, Renamed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.rpc.former_settings import Former

_ABSOLUTE_COST = "0 (policy_usd_per_right_answer says what the cost counts for)"
_ABSOLUTE_LATENCY = "0 (policy_seconds_per_right_answer says what the latency counts for)"

FORMER_SETTINGS: Mapping[str, Former] = {
    **ServiceConfig.former_settings,
    "breaker_failure_count": Removed("3"),
    "breaker_open_s": Removed("5 s"),
    "budget_lease_margin_s": Removed("30 s"),
    "cost_weight": Removed(_ABSOLUTE_COST),
    "deadline_floor_ms": Removed("50 ms"),
    "deadline_margin_ms": Removed("30 ms"),
    "decision_buffer_bytes": Removed("16 MiB"),
    "decision_dir": Renamed("records_dir"),
    "decision_dir_max_bytes": Renamed("records_dir_max_bytes"),
    "decision_drain_timeout_s": Removed("5 s"),
    "decision_file_max_age_s": Removed("1 h"),
    "decision_file_max_bytes": Removed("16 MiB"),
    "decision_hash_key_file": Renamed("records_hash_key_file"),
    "decision_log_text": Renamed("records_keep_text"),
    "decision_postgres_dsn_file": Renamed("records_postgres_dsn_file"),
    "decision_sink": Renamed("records_sink"),
    "ejection_base_s": Removed("2 s"),
    "ejection_failure_count": Removed("3"),
    "ejection_max_s": Removed("60 s"),
    "grace_share": Removed("1.0"),
    "hedge_min_delay_ms": Removed("50 ms"),
    "hedge_share": Renamed("replica_hedge_share"),
    "judge_timeout_s": Renamed("dependency_timeout_s"),
    "latency_half_life_s": Removed("600 s"),
    "latency_weight": Removed(_ABSOLUTE_LATENCY),
    "max_attempts": Removed("4"),
    "max_calls": Renamed("policy_max_call_count"),
    "max_cost_usd": Renamed("policy_max_cost_usd"),
    "max_ejection_share": Removed("0.75"),
    "max_expected_latency_s": Renamed("policy_max_expected_latency_s"),
    "max_layer_models": Renamed("policy_max_layer_model_count"),
    "max_layers": Renamed("policy_max_layer_count"),
    "max_score_gap": Renamed("policy_max_score_gap"),
    "max_tokens": Renamed("policy_max_token_count"),
    "max_uncertainty": Renamed("policy_max_uncertainty"),
    "min_gain": Removed("0.01"),
    "min_stage_s": Removed("0.2 s"),
    "policy_cost_weight": Removed(_ABSOLUTE_COST),
    "policy_latency_weight": Removed(_ABSOLUTE_LATENCY),
    "pool_median_calls": Removed("5 (learn_latency=false: the pool file's medians stand)"),
    "price_band": Renamed("policy_price_band"),
    "quality_weight": Renamed("policy_quality_weight"),
    "retry_max_wait_s": Removed("2 s"),
    "replica_max_attempt_count": Removed("4"),
    "replica_retry_share": Removed("0.2"),
    "retry_share": Removed("0.2"),
    "scorer_timeout_s": Renamed("dependency_timeout_s"),
    "self_moa_temperature": Removed("0.7"),
    "smoa_kept_answers": Removed("2 (with a preset: 3)"),
    "stand_in_share": Renamed("backup_share"),
    "stopping_score": Renamed("policy_stopping_score"),
}
"""By the old names."""
