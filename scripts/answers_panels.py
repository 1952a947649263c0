"""The questions of an operator, and the queries of Prometheus that answer them."""

from __future__ import annotations

from dataclasses import dataclass

_IN = 'namespace="$namespace"'
_ANSWERS = 'method=~"StreamAnswer|GenerateAnswer",namespace="$namespace"'
_TOP = 10
"""Models and tenants that a panel shows: those with the largest values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel: its title asks, its description answers how to read it."""

    title: str
    description: str
    queries: tuple[tuple[str, str], ...]
    """Legend and expression of each line."""
    unit: str = "short"


def _rate(name: str, where: str = _IN) -> str:
    return f"sum(rate({name}{{{where}}}[$__rate_interval]))"


def _rate_by(label: str, name: str, where: str = _IN) -> str:
    return f"sum by ({label}) (rate({name}{{{where}}}[$__rate_interval]))"


def _top(expression: str) -> str:
    return f"topk({_TOP}, {expression})"


def _quantile(quantile: float, name: str, where: str = _IN, by: str = "") -> str:
    labels = f"{by}, le" if by else "le"
    return (
        f"histogram_quantile({quantile}, "
        f"sum by ({labels}) (rate({name}_bucket{{{where}}}[$__rate_interval])))"
    )


def _p50_p95(name: str, where: str = _IN) -> tuple[tuple[str, str], ...]:
    return (("p50", _quantile(0.5, name, where)), ("p95", _quantile(0.95, name, where)))


_MODEL = "gen_ai_request_model"
_DURATION = "gen_ai_client_operation_duration_seconds"

STORY: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Are answers good?",
        (
            Panel(
                title="Do callers get answers?",
                description="Calls for an answer, by status. All but OK and CANCELLED are failures.",
                queries=(("{{code}}", _rate_by("code", "grpc_server_handled_total", _ANSWERS)),),
                unit="cps",
            ),
            Panel(
                title="Is the scorer sure?",
                description="Uncertainty of the ranking, from 0 to 1, and the share of answers that "
                "were too uncertain, so that the safe models ran.",
                queries=(
                    *_p50_p95("routemoa_router_uncertainty"),
                    (
                        "too uncertain",
                        (
                            f"{_rate('routemoa_router_uncertain_queries_total')} / "
                            f"{_rate('routemoa_router_answers_total')}"
                        ),
                    ),
                ),
                unit="percentunit",
            ),
            Panel(
                title="Why do answers end?",
                description="Answers by the reason why no further layer ran. Many "
                "limits mean that caps decide, not quality.",
                queries=(
                    ("{{stop_reason}}", _rate_by("stop_reason", "routemoa_router_answers_total")),
                ),
                unit="cps",
            ),
        ),
    ),
    (
        "Are they fast?",
        (
            Panel(
                title="How long until the first word?",
                description="Time from a request's arrival at the gateway to its first byte.",
                queries=_p50_p95("routemoa_gateway_first_byte_seconds"),
                unit="s",
            ),
            Panel(
                title="How long until the last?",
                description="Time of a whole answer in the router. Exemplars lead to traces.",
                queries=_p50_p95("grpc_server_handling_seconds", _ANSWERS),
                unit="s",
            ),
            Panel(
                title="Which models are slow to begin?",
                description="95 % of a model's attempts begin to write within this time.",
                queries=(
                    (
                        f"{{{{{_MODEL}}}}}",
                        _top(
                            _quantile(
                                0.95,
                                "gen_ai_client_operation_time_to_first_chunk_seconds",
                                by=_MODEL,
                            )
                        ),
                    ),
                ),
                unit="s",
            ),
        ),
    ),
    (
        "Are they cheap?",
        (
            Panel(
                title="What does an answer cost?",
                description="Dollars per answer, all attempts included.",
                queries=(
                    (
                        "per answer",
                        (
                            f"{_rate('routemoa_router_cost_usd_total')} / "
                            f"{_rate('routemoa_router_answers_total')}"
                        ),
                    ),
                ),
                unit="currencyUSD",
            ),
            Panel(
                title="Which models take the money?",
                description="Dollars per hour, by model.",
                queries=(
                    (
                        "{{model_id}}",
                        _top(f"3600 * {_rate_by('model_id', 'routemoa_router_cost_usd_total')}"),
                    ),
                ),
                unit="currencyUSD",
            ),
            Panel(
                title="How many calls and tokens does an answer take?",
                description="Attempts at calls to models, and thousands of tokens, per answer.",
                queries=(
                    (
                        "calls",
                        f"{_rate(f'{_DURATION}_count')} / {_rate('routemoa_router_answers_total')}",
                    ),
                    (
                        "1,000 tokens, {{gen_ai_token_type}}",
                        (
                            f"{_rate_by('gen_ai_token_type', 'gen_ai_client_token_usage_sum')} / "
                            f"scalar(1000 * {_rate('routemoa_router_answers_total')})"
                        ),
                    ),
                ),
            ),
        ),
    ),
    (
        "Which model fails?",
        (
            Panel(
                title="Which models fail, and why?",
                description="Failed attempts, by model and cause. The router's log has a line "
                "`model_call_failed` for each.",
                queries=(
                    (
                        f"{{{{{_MODEL}}}}} {{{{error_type}}}}",
                        _top(
                            _rate_by(
                                f"{_MODEL}, error_type",
                                f"{_DURATION}_count",
                                f'error_type!~"|cancelled",{_IN}',
                            )
                        ),
                    ),
                ),
                unit="cps",
            ),
            Panel(
                title="What share of a model's attempts fails?",
                description="Attempts that the router stopped itself are no failures.",
                queries=(
                    (
                        f"{{{{{_MODEL}}}}}",
                        _top(
                            _rate_by(
                                _MODEL, f"{_DURATION}_count", f'error_type!~"|cancelled",{_IN}'
                            )
                            + " / "
                            + _rate_by(_MODEL, f"{_DURATION}_count")
                        ),
                    ),
                ),
                unit="percentunit",
            ),
            Panel(
                title="What does the router do about it?",
                description="Further attempts by their reason, substitutes for scorer and judge, and "
                "replicas that are out of use.",
                queries=(
                    (
                        "{{kind}}",
                        _rate_by("kind", "routemoa_router_attempts_total", f'kind!="FIRST",{_IN}'),
                    ),
                    (
                        "substitute for {{dependency}}",
                        _rate_by("dependency", "routemoa_router_fallbacks_total"),
                    ),
                    (
                        "replicas ejected",
                        f"sum(routemoa_router_replicas_ejected_count{{{_IN}}})",
                    ),
                ),
            ),
        ),
    ),
    (
        "Who spends?",
        (
            Panel(
                title="Which tenants spend?",
                description="Dollars per hour, by tenant.",
                queries=(
                    (
                        "{{tenant}}",
                        _top(
                            "3600 * "
                            + _rate_by(
                                "tenant",
                                "routemoa_router_budget_spent_total",
                                f'resource="usd",{_IN}',
                            )
                        ),
                    ),
                ),
                unit="currencyUSD",
            ),
            Panel(
                title="Whose budget is used up?",
                description="Refused calls of tenants, by the limit that had no room.",
                queries=(
                    (
                        "{{tenant}} {{limit}}",
                        _top(_rate_by("tenant, limit", "routemoa_router_budget_refusals_total")),
                    ),
                ),
                unit="cps",
            ),
            Panel(
                title="Is there room for more callers?",
                description="Calls in flight as a share of the limit, by service, and calls refused.",
                queries=(
                    (
                        "{{service}}",
                        (
                            f"sum by (service) (routemoa_calls_in_flight_count{{{_IN}}}) / "
                            f"sum by (service) (routemoa_calls_limit_count{{{_IN}}})"
                        ),
                    ),
                    ("refused: {{reason}}", _rate_by("reason", "routemoa_calls_refused_total")),
                ),
                unit="percentunit",
            ),
        ),
    ),
)
