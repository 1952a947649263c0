"""The modules that mutants are made of, each with the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the core, and paths of its tests."""

    path: str
    tests: list[str]
    functions: tuple[str, ...] = ()
    """The only functions that change; all of them if empty."""


def module(path: str, *tests: str, functions: tuple[str, ...] = ()) -> Module:
    """Returns the module of `path`.py with the files `tests`.py."""
    return Module(f"{path}.py", [f"tests/{test}.py" for test in tests], functions)


CORE = [
    module("services/answer_key", "unit/test_answer_key"),
    module(
        "services/router/types/amounts",
        "unit/router/budgets/test_amount",
        "unit/router/budgets/test_caps",
    ),
    module(
        "services/router/types/conversation",
        "unit/router/test_context_window",
        "unit/router/test_conversation",
    ),
    module(
        "services/router/types/deadline",
        "unit/router/test_deadline",
        "unit/router/test_reusable_timeout",
    ),
    module(
        "services/router/types/ledger", "unit/router/test_ledger", "unit/router/budgets/test_amount"
    ),
    module(
        "services/router/types/tokens",
        "unit/router/test_context_window",
        "unit/router/test_token_estimate",
        "unit/router/test_tokenizer",
    ),
    module("services/router/routing/agreement", "unit/router/test_agreement"),
    module(
        "services/router/routing/candidates",
        "unit/router/test_selection",
        "unit/router/test_ranking",
    ),
    module("services/router/routing/policy", "unit/router/test_policy", "unit/router/test_presets"),
    module("services/router/routing/presets", "unit/router/test_presets"),
    module(
        "services/router/routing/ranking", "unit/router/test_ranking", "unit/router/test_selection"
    ),
    module(
        "services/router/routing/selection", "unit/router/test_selection", "unit/router/test_limits"
    ),
    module("services/router/pool/expected_latency", "unit/router/test_expected_latency"),
    module("services/router/prompts/context_window", "unit/router/test_context_window"),
    module(
        "services/router/prompts/prompts",
        "unit/router/test_context_window",
        "unit/router/test_limits",
        "unit/router/test_replies",
    ),
    module("services/router/prompts/answer_filter", "unit/router/test_answer_filter"),
    module("services/router/prompts/assessments", "unit/router/test_replies"),
    module("services/router/prompts/marks", "unit/router/test_replies"),
    module("services/router/prompts/replies", "unit/router/test_replies"),
    module(
        "services/router/strategies/verdicts",
        "unit/router/test_verdicts",
        functions=("Question", "kept_model_ids", "is_over", "_verdict"),
    ),
    module(
        "services/router/engine/final_answer",
        "unit/router/test_final_answer",
        "unit/router/test_late_writers",
    ),
    module(
        "services/router/engine/layer", "unit/router/test_layer", "unit/router/test_layer_early_end"
    ),
    module("services/router/engine/layer_policy", "unit/router/test_layer_policy"),
    module("services/router/engine/planner", "unit/router/test_planner"),
    module("services/router/engine/proposals", "unit/router/test_proposals"),
    module(
        "services/router/engine/speculative_answer",
        "unit/router/test_speculative_answer",
    ),
    module("services/router/budgets/account", "unit/router/budgets/test_account"),
    module(
        "services/router/budgets/memory_store",
        "unit/router/budgets/test_tenant_counts",
        "unit/router/budgets/test_account",
    ),
    module("services/router/backends/replicas/ejection", "unit/router/replicas/test_ejection"),
    module(
        "services/router/backends/replicas/first_token_latency", "unit/router/replicas/test_latency"
    ),
    module(
        "services/router/backends/replicas/replica_set",
        "unit/router/replicas/test_load_balancing",
        functions=("least_loaded", "replica_of_session", "_weight"),
    ),
    module("services/router/backends/replicas/resume", "unit/router/replicas/test_resume"),
    module("services/router/backends/replicas/retry", "unit/router/replicas/test_retry"),
    module(
        "services/router/backends/replicas/retry_budget", "unit/router/replicas/test_retry_budget"
    ),
    module("services/rpc/breaker", "unit/rpc/test_breaker"),
    module("services/judge/assessment", "unit/judge/test_assessment"),
    module("services/judge/belief", "unit/judge/test_belief"),
    module("services/scorer/ranking", "unit/scorer_service/test_model_ranking"),
    module("services/scorer/cache", "unit/scorer_service/test_cache"),
    module("services/scorer/batching/batch_selection", "unit/scorer_service/test_batch_selection"),
    module(
        "services/scorer/batching/load_shedding",
        "unit/scorer_service/test_overload_errors",
        "unit/scorer_service/test_service_time",
    ),
    module("scorer/measures/calibration", "unit/scorer/measures/test_calibration_figures"),
    module("scorer/measures/coverage", "unit/scorer/measures/test_coverage"),
    module("scorer/measures/frontier", "unit/scorer/measures/test_frontier"),
    module("scorer/measures/intervals", "unit/scorer/measures/test_intervals"),
    module("scorer/measures/ranking", "unit/scorer/measures/test_ranking_figures"),
    module("scorer/runtime/max_coverage", "unit/scorer/mixture/test_max_coverage"),
    module("scorer/runtime/team_rule", "unit/scorer/mixture/test_team_rule"),
    module(
        "scorer/runtime/uncertainty",
        "unit/scorer/mixture/test_uncertainty",
        "unit/scorer/mixture/test_uncertainty_of_a_ranking",
    ),
    module("scorer/training/calibrate", "unit/scorer/test_calibrate"),
    module("scorer/training/mixture/success", "unit/scorer/mixture/test_success"),
]
