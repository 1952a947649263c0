"""The routing of an answer, as every API shows it in its field `routemoa`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.descriptor import EnumDescriptor
    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.message import Message

_MAX_NAMES = 1024
"""Names of enum values that are kept; a newer router may send any number."""


def routing_report(
    result: pb.GenerateAnswerResponse,
    routing: Sequence[pb.RoutingDecision],
    layers: Sequence[pb.LayerReport] = (),
) -> dict[str, Any]:
    """Returns how an answer came about: models, scores, calls, cost and time; no text of a model.

    Args:
        result: The result.
        routing: The decisions of the layers.
        layers: The layers, if the result leaves them out.
    """
    decisions = {decision.layer_number: decision for decision in routing}
    return {
        "decision_id": result.decision_id or None,
        "strategy": result.strategy,
        "model": result.answer.model_id,
        "cost_usd": result.cost_usd,
        "uncertainty": known(result, "uncertainty"),
        "stop_reason": _name(pb.StopReason.DESCRIPTOR, result.stop_reason),
        "answer_usage": {
            "prompt_tokens": result.answer.prompt_token_count,
            "completion_tokens": result.answer.completion_token_count,
        },
        "layers": [
            _layer(layer, decisions.get(layer.layer_number)) for layer in result.layers or layers
        ],
        "calls": [_call(entry) for entry in result.usage],
        "fallbacks": [_fallback(item) for item in result.fallbacks],
        "timing": _timing(result.timing),
    }


def result_facts(result: pb.GenerateAnswerResponse) -> dict[str, str | float]:
    """Returns what the log line of a request has of its result."""
    facts: dict[str, str | float] = {
        "model": result.answer.model_id,
        "strategy": result.strategy,
        "cost_usd": result.cost_usd,
    }
    return facts | ({"decision_id": result.decision_id} if result.decision_id else {})


def ranking_report(decision: pb.RoutingDecision) -> list[dict[str, Any]]:
    """Returns the ranking of a layer, best model first."""
    return [
        {
            "model": ranked.model_id,
            "score": ranked.score,
            "prior_score": ranked.prior_score,
            "utility": ranked.utility,
            "expected_cost_usd": ranked.expected_cost_usd,
            "expected_latency_s": seconds(ranked.expected_latency),
            "reason": _name(pb.SelectionReason.DESCRIPTOR, ranked.selection_reason),
            "explanation": ranked.explanation,
        }
        for ranked in decision.ranked_models
    ]


def seconds(duration: Duration) -> float:
    """Returns a duration as a number."""
    return float(duration.seconds + duration.nanos / 1e9)


def known(message: Message, field: str) -> Any:
    """Returns a field's value; None if it is not set and the contract tells that from zero."""
    always_set = not message.DESCRIPTOR.fields_by_name[field].has_presence
    return getattr(message, field) if always_set or message.HasField(field) else None


def _fallback(item: pb.Fallback) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in item.DESCRIPTOR.fields:
        value = getattr(item, field.name)
        if field.enum_type:
            value = _name(field.enum_type, value)
        values[field.name] = value
    return values


def _layer(layer: pb.LayerReport, decision: pb.RoutingDecision | None) -> dict[str, Any]:
    return {
        "number": layer.layer_number,
        "models": list(layer.selected_model_ids),
        "ranking": [] if decision is None else ranking_report(decision),
        "answered": [answer.model_id for answer in layer.answers],
        "scores": [
            {
                "model": item.model_id,
                "posterior": item.posterior_score,
                "self": item.self_score if item.HasField("self_score") else None,
                "cross": item.cross_score if item.HasField("cross_score") else None,
            }
            for item in layer.assessments
        ],
        "duration_s": seconds(layer.duration),
    }


def _call(entry: pb.UsageEntry) -> dict[str, Any]:
    first = entry.time_to_first_token if entry.HasField("time_to_first_token") else None
    return {
        "model": entry.model_id,
        "purpose": _name(pb.CallPurpose.DESCRIPTOR, entry.purpose),
        "status": _name(pb.CallStatus.DESCRIPTOR, entry.status),
        "attempt": _name(pb.AttemptKind.DESCRIPTOR, entry.attempt_kind),
        "finish_reason": _name(model_pb2.FinishReason.DESCRIPTOR, entry.finish_reason),
        "layer": entry.layer_number,
        "prompt_tokens": entry.prompt_token_count,
        "completion_tokens": entry.completion_token_count,
        "cached_prompt_tokens": entry.cached_prompt_token_count,
        "reasoning_tokens": entry.reasoning_token_count,
        "estimated": entry.estimated,
        "cost_usd": entry.cost_usd,
        "duration_s": seconds(entry.duration),
        "time_to_start_s": seconds(entry.time_to_start),
        "time_to_first_token_s": None if first is None else seconds(first),
    }


def _timing(timing: pb.AnswerTiming) -> dict[str, Any]:
    first = timing.time_to_first_delta if timing.HasField("time_to_first_delta") else None
    return {
        "total_s": seconds(timing.total_duration),
        "scorer_s": seconds(timing.scorer_duration),
        "generation_s": seconds(timing.generation_duration),
        "judge_s": seconds(timing.judge_duration),
        "aggregation_s": seconds(timing.aggregation_duration),
        "first_delta_s": None if first is None else seconds(first),
    }


@lru_cache(_MAX_NAMES)
def _name(kind: EnumDescriptor, number: int) -> str | None:
    """Returns a value's name without its enum's, in lower case; None if it is not set or not known."""
    if not number or number not in kind.values_by_number:
        return None
    prefix = kind.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return kind.values_by_number[number].name.removeprefix(prefix).lower()
