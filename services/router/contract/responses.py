"""The router's own values -> messages of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.router.contract.ledger_entries import (
    duration_message,
    finish_reason_value,
    name_of,
    timing_message,
    usage_message,
)
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
    from collections.abc import Collection, Iterable, Mapping

    from services.router.contract.views import View
    from services.router.pool.model import PoolModel
    from services.router.pool.pool import Pool
    from services.router.routing.candidates import Ranked, Ranking, StopReason
    from services.router.routing.events import Answer, Assessment, Event, Fallback
    from services.router.types.options import Capability
    from services.router.types.pieces import TokenLogProbability


def event_message(event: Event, view: View) -> pb.StreamAnswerResponse:
    """Returns the message of one event, as far as the view shows it."""
    match event:
        case Delta():
            response = pb.StreamAnswerResponse()
            if event.is_text_alone:  # by far the most frequent case
                response.delta.text = event.text
            else:
                response.delta.CopyFrom(_delta(event))
            return response
        case RoutingDecision():
            return pb.StreamAnswerResponse(routing=_routing(event, view))
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
            return pb.StreamAnswerResponse(result=result_message(event, full=view.full_result))


def result_message(result: Result, *, full: bool = True) -> pb.GenerateAnswerResponse:
    """Returns the message of the result: all of it, or what events before it did not hold."""
    answer, layers = result.answer, result.layers
    return pb.GenerateAnswerResponse(
        answer=_answer(answer) if full else model_pb2.Answer(**_account(answer)),
        strategy=result.strategy,
        layers=[_layer(report) for report in layers] if full else (),
        stop_reason=stop_reason(result.stop_reason),
        usage=[usage_message(entry) for entry in result.usage],
        cost_usd=result.cost_usd,
        fallbacks=[fallback_message(fallback) for fallback in result.fallbacks],
        timing=timing_message(result.timing),
        decision_id=result.decision_id,
        uncertainty=result.uncertainty,
    )


def ranked_message(
    ranked: Ranked, reason: SelectionReason | None, *, explained: bool
) -> pb.RankedModel:
    """Returns the message of a ranked model, and why it runs or does not."""
    candidate = ranked.candidate
    return pb.RankedModel(
        model_id=candidate.model_id,
        score=candidate.score,
        expected_cost_usd=candidate.expected_cost_usd,
        expected_latency=duration_message(candidate.expected_latency_s),
        utility=ranked.utility,
        prior_score=candidate.prior_score,
        expected_completion_token_count=candidate.expected_completion_tokens,
        selection_reason=pb.SelectionReason.Value(f"SELECTION_REASON_{name_of(reason)}"),
        explanation=explain(ranked, reason) if explained else "",
    )


def ranking_messages(
    ranked: Ranking,
    reasons: Mapping[str, SelectionReason],
    selected_ids: Collection[str],
    view: View,
) -> list[pb.RankedModel]:
    """Returns the ranking; the full one ends with the models that lack a capability."""
    shown = [
        ranked_message(item, reasons.get(item.model_id), explained=view.full_ranking)
        for item in view.shown(ranked, selected_ids)
    ]
    if not view.full_ranking:
        return shown
    return shown + [
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
    return pb.StopReason.Value(f"STOP_REASON_{name_of(reason)}")


def fallback_message(fallback: Fallback) -> pb.Fallback:
    """Returns the message of a substitution."""
    return pb.Fallback(
        dependency=pb.Dependency.Value(f"DEPENDENCY_{fallback.dependency.name}"),
        reason=pb.FallbackReason.Value(f"FALLBACK_REASON_{fallback.reason.name}"),
        substitute=pb.Substitute.Value(f"SUBSTITUTE_{fallback.substitute.name}"),
    )


def model_message(model: PoolModel) -> model_pb2.Model:
    """Returns what callers may know of a model: nothing of where it runs."""
    return model_pb2.Model(
        model_id=model.id,
        prompt_price_usd_per_million_tokens=model.prompt_price_usd_per_million_tokens,
        completion_price_usd_per_million_tokens=model.completion_price_usd_per_million_tokens,
        median_latency=duration_message(model.median_latency_s),
        context_window_token_count=model.context_window_tokens,
        capabilities=_capabilities(model.abilities),
        cached_prompt_price_usd_per_million_tokens=model.prices.cached_prompt,
        cache_written_prompt_price_usd_per_million_tokens=model.prices.cache_written_prompt,
    )


def _delta(delta: Delta) -> pb.AnswerDelta:
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
        max_duration=duration_message(max_duration_s),
    )


def _capabilities(capabilities: Iterable[Capability]) -> list[model_pb2.Capability.ValueType]:
    return [model_pb2.Capability.Value(f"CAPABILITY_{c.name}") for c in in_order(capabilities)]


def _routing(decision: RoutingDecision, view: View) -> pb.RoutingDecision:
    return pb.RoutingDecision(
        layer_number=decision.layer_number,
        ranked_models=ranking_messages(
            decision.ranked, decision.all_reasons, decision.selected_model_ids, view
        ),
        selected_model_ids=decision.selected_model_ids,
        uncertainty=decision.uncertainty,
    )


def _layer(report: LayerReport) -> pb.LayerReport:
    return pb.LayerReport(
        layer_number=report.layer_number,
        selected_model_ids=report.selected_model_ids,
        answers=[_answer(answer) for answer in report.answers],
        assessments=[_assessment(assessment) for assessment in report.assessments],
        usage=[usage_message(entry) for entry in report.usage],
        duration=duration_message(report.duration_s),
    )


def _account(answer: Answer) -> dict[str, Any]:
    """Returns the fields of an answer that are no part of what the model says."""
    return {
        "model_id": answer.model_id,
        "prompt_token_count": answer.prompt_tokens,
        "completion_token_count": answer.completion_tokens,
        "self_score": answer.self_score,
        "grades": [
            model_pb2.Grade(model_id=model_id, score=score)
            for model_id, score in answer.grades.items()
        ],
        "finish_reason": finish_reason_value(answer.finish_reason),
    }


def _answer(answer: Answer) -> model_pb2.Answer:
    return model_pb2.Answer(
        **_account(answer),
        text=answer.text,
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


def _assessment(assessment: Assessment) -> model_pb2.Assessment:
    return model_pb2.Assessment(
        model_id=assessment.model_id,
        posterior_score=assessment.posterior_score,
        self_score=assessment.self_score,
        cross_score=assessment.cross_score,
        answer_score=assessment.answer_score,
    )
