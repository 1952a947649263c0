"""The router's own values -> messages of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import duration_pb2

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.router.contract.limits import (
    MAX_CHARACTERS,
    MAX_MEDIA_BYTES,
    MAX_MESSAGES,
    MAX_TOOLS,
)
from services.router.routing.candidates import SelectionReason
from services.router.routing.events import (
    Delta,
    LayerReport,
    Reset,
    Result,
    Resumed,
    RoutingDecision,
)
from services.router.routing.presets import PRESETS, STRATEGY_DEFAULTS
from services.router.routing.selection import explain
from services.router.types.options import in_order

if TYPE_CHECKING:
    import enum
    from collections.abc import Iterable, Mapping, Sequence

    from services.router.pool.model import PoolModel
    from services.router.pool.pool import Pool
    from services.router.routing.candidates import Ranked, StopReason
    from services.router.routing.events import Answer, Assessment, Event, Fallback, Timing
    from services.router.types.ledger import FinishReason, LedgerEntry
    from services.router.types.options import Capability
    from services.router.types.pieces import TokenLogProbability


def event_message(event: Event) -> pb.StreamAnswerResponse:
    """Returns the message of one event."""
    match event:
        case Delta():
            return pb.StreamAnswerResponse(delta=_delta(event))
        case RoutingDecision():
            return pb.StreamAnswerResponse(routing=_routing(event))
        case LayerReport():
            return pb.StreamAnswerResponse(layer=_layer(event))
        case Reset():
            status = pb.CallStatus.Value(f"CALL_STATUS_{event.status.name}")
            return pb.StreamAnswerResponse(reset=pb.AnswerReset(status=status))
        case Resumed():
            status = pb.CallStatus.Value(f"CALL_STATUS_{event.status.name}")
            resumed = pb.AnswerResumed(model_id=event.model_id, status=status)
            return pb.StreamAnswerResponse(resumed=resumed)
        case Result():
            return pb.StreamAnswerResponse(result=result_message(event))


def result_message(result: Result) -> pb.GenerateAnswerResponse:
    """Returns the message of the whole result."""
    return pb.GenerateAnswerResponse(
        answer=_answer(result.answer),
        strategy=result.strategy,
        layers=[_layer(report) for report in result.layers],
        stop_reason=stop_reason(result.stop_reason),
        usage=[_usage(entry) for entry in result.usage],
        cost_usd=result.cost_usd,
        fallbacks=[fallback_message(fallback) for fallback in result.fallbacks],
        timing=_timing(result.timing),
        decision_id=result.decision_id,
        uncertainty=result.uncertainty,
    )


def ranked_message(ranked: Ranked, reason: SelectionReason | None) -> pb.RankedModel:
    """Returns the message of a ranked model, and why it runs or does not."""
    candidate = ranked.candidate
    return pb.RankedModel(
        model_id=candidate.model_id,
        score=candidate.score,
        expected_cost_usd=candidate.expected_cost_usd,
        expected_latency=_duration(candidate.expected_latency_s),
        utility=ranked.utility,
        prior_score=candidate.prior_score,
        expected_completion_token_count=candidate.expected_completion_tokens,
        selection_reason=pb.SelectionReason.Value(f"SELECTION_REASON_{_name(reason)}"),
        explanation=explain(ranked, reason),
    )


def ranking_messages(
    ranked: Sequence[Ranked], reasons: Mapping[str, SelectionReason]
) -> list[pb.RankedModel]:
    """Returns the ranking, and after it the models that lack a capability, without any figures."""
    return [ranked_message(item, reasons.get(item.model_id)) for item in ranked] + [
        pb.RankedModel(
            model_id=model_id,
            selection_reason=pb.SELECTION_REASON_CAPABILITY,
            explanation=reason.value,
        )
        for model_id, reason in reasons.items()
        if reason is SelectionReason.CAPABILITY
    ]


def stop_reason(reason: StopReason | None) -> pb.StopReason.ValueType:
    """Returns the wire value of a stop reason; unspecified for none."""
    return pb.StopReason.Value(f"STOP_REASON_{_name(reason)}")


def fallback_message(fallback: Fallback) -> pb.Fallback:
    """Returns the message of a substitution."""
    return pb.Fallback(
        dependency=pb.Dependency.Value(f"DEPENDENCY_{fallback.dependency.name}"),
        status=fallback.status,
        substitute=pb.Substitute.Value(f"SUBSTITUTE_{fallback.substitute.name}"),
    )


def model_message(model: PoolModel) -> model_pb2.Model:
    """Returns what callers may know of a model: nothing of where it runs."""
    return model_pb2.Model(
        model_id=model.id,
        prompt_price_usd_per_million_tokens=model.prompt_price_usd_per_million_tokens,
        completion_price_usd_per_million_tokens=model.completion_price_usd_per_million_tokens,
        median_latency=_duration(model.median_latency_s),
        context_window_token_count=model.context_window_tokens,
        capabilities=_capabilities(model.abilities),
        cached_prompt_price_usd_per_million_tokens=model.prices.cached_prompt,
        cache_written_prompt_price_usd_per_million_tokens=model.prices.cache_written_prompt,
    )


def _delta(delta: Delta) -> pb.AnswerDelta:
    if not (delta.tool_calls or delta.log_probabilities or delta.reasoning or delta.refusal):
        return pb.AnswerDelta(text=delta.text)  # by far the most frequent case
    return pb.AnswerDelta(
        text=delta.text,
        tool_calls=[
            pb.ToolCallDelta(
                call_index=piece.call_index,
                tool_call_id=piece.id,
                name=piece.name,
                arguments_json=piece.arguments_json,
            )
            for piece in delta.tool_calls
        ],
        reasoning=delta.reasoning,
        refusal=delta.refusal,
        log_probabilities=[_log_probability(token) for token in delta.log_probabilities],
    )


def _log_probability(token: TokenLogProbability) -> model_pb2.TokenLogProbability:
    return model_pb2.TokenLogProbability(
        token=token.token,
        log_probability=token.log_probability,
        alternatives=[_log_probability(other) for other in token.alternatives],
    )


def info_message(
    pool: Pool, default_strategy: str, *, max_duration_s: float
) -> pb.GetRouterInfoResponse:
    """Returns the description of the router."""
    return pb.GetRouterInfoResponse(
        strategies=list(STRATEGY_DEFAULTS),
        default_strategy=default_strategy,
        presets=list(PRESETS),
        capabilities=_capabilities(frozenset().union(*(m.abilities for m in pool.models))),
        request_limits=pb.RequestLimits(
            max_message_count=MAX_MESSAGES,
            max_character_count=MAX_CHARACTERS,
            max_media_byte_count=MAX_MEDIA_BYTES,
            max_tool_count=MAX_TOOLS,
        ),
        max_duration=_duration(max_duration_s),
    )


def _capabilities(capabilities: Iterable[Capability]) -> list[model_pb2.Capability.ValueType]:
    return [model_pb2.Capability.Value(f"CAPABILITY_{c.name}") for c in in_order(capabilities)]


def _name(value: enum.Enum | None) -> str:
    return "UNSPECIFIED" if value is None else value.name


def _duration(seconds: float) -> duration_pb2.Duration:
    whole_s, rest_us = divmod(round(seconds * 1e6), 1_000_000)
    return duration_pb2.Duration(seconds=whole_s, nanos=rest_us * 1000)


def _routing(decision: RoutingDecision) -> pb.RoutingDecision:
    return pb.RoutingDecision(
        layer_number=decision.layer_number,
        ranked_models=ranking_messages(decision.ranked, decision.all_reasons),
        selected_model_ids=decision.selected_model_ids,
        uncertainty=decision.uncertainty,
    )


def _layer(report: LayerReport) -> pb.LayerReport:
    return pb.LayerReport(
        layer_number=report.layer_number,
        selected_model_ids=report.selected_model_ids,
        answers=[_answer(answer) for answer in report.answers],
        assessments=[_assessment(assessment) for assessment in report.assessments],
        usage=[_usage(entry) for entry in report.usage],
        duration=_duration(report.duration_s),
    )


def _answer(answer: Answer) -> model_pb2.Answer:
    return model_pb2.Answer(
        model_id=answer.model_id,
        text=answer.text,
        prompt_token_count=answer.prompt_tokens,
        completion_token_count=answer.completion_tokens,
        self_score=answer.self_score,
        grades=[
            model_pb2.Grade(model_id=model_id, score=score)
            for model_id, score in answer.grades.items()
        ],
        finish_reason=_finish_reason(answer.finish_reason),
        tool_calls=[
            model_pb2.ToolCall(
                tool_call_id=call.id, name=call.name, arguments_json=call.arguments_json
            )
            for call in answer.tool_calls
        ],
        refusal=answer.refusal,
        reasoning=answer.reasoning,
        log_probabilities=[_log_probability(token) for token in answer.log_probabilities],
    )


def _finish_reason(reason: FinishReason | None) -> model_pb2.FinishReason.ValueType:
    return model_pb2.FinishReason.Value(f"FINISH_REASON_{_name(reason)}")


def _assessment(assessment: Assessment) -> model_pb2.Assessment:
    return model_pb2.Assessment(
        model_id=assessment.model_id,
        posterior_score=assessment.posterior_score,
        self_score=assessment.self_score,
        cross_score=assessment.cross_score,
    )


def _usage(entry: LedgerEntry) -> pb.UsageEntry:
    first_s = entry.time_to_first_token_s
    return pb.UsageEntry(
        model_id=entry.model_id,
        purpose=pb.CallPurpose.Value(f"CALL_PURPOSE_{entry.purpose.name}"),
        status=pb.CallStatus.Value(f"CALL_STATUS_{entry.status.name}"),
        layer_number=entry.layer_number,
        prompt_token_count=entry.prompt_tokens,
        completion_token_count=entry.completion_tokens,
        cost_usd=entry.cost_usd,
        estimated=entry.estimated,
        duration=_duration(entry.duration_s),
        time_to_first_token=None if first_s is None else _duration(first_s),
        cached_prompt_token_count=entry.cached_prompt_tokens,
        reasoning_token_count=entry.reasoning_tokens,
        attempt_kind=pb.AttemptKind.Value(f"ATTEMPT_KIND_{entry.attempt_kind.name}"),
        price_version=entry.price_version,
        finish_reason=_finish_reason(entry.finish_reason),
        backend_message=entry.backend_message,
        capped=entry.capped,
        cache_written_prompt_token_count=entry.cache_written_prompt_tokens,
    )


def _timing(timing: Timing) -> pb.AnswerTiming:
    first_s = timing.first_delta_s
    return pb.AnswerTiming(
        total_duration=_duration(timing.total_s),
        scorer_duration=_duration(timing.scorer_s),
        generation_duration=_duration(timing.generation_s),
        judge_duration=_duration(timing.judge_s),
        aggregation_duration=_duration(timing.aggregation_s),
        time_to_first_delta=None if first_s is None else _duration(first_s),
    )
