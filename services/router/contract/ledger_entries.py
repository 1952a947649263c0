"""The ledger and the timing of an answer -> messages of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import duration_pb2

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.router.types.ledger import AttemptKind, CallPurpose, CallStatus, FinishReason

if TYPE_CHECKING:
    import enum

    from services.router.routing.events import Timing
    from services.router.types.ledger import LedgerEntry

# Half of what an entry costs would be the names of its enums.
_PURPOSES = {each: pb.CallPurpose.Value(f"CALL_PURPOSE_{each.name}") for each in CallPurpose}
_STATUSES = {each: pb.CallStatus.Value(f"CALL_STATUS_{each.name}") for each in CallStatus}
_KINDS = {each: pb.AttemptKind.Value(f"ATTEMPT_KIND_{each.name}") for each in AttemptKind}
_FINISH_REASONS = {
    each: model_pb2.FinishReason.Value(f"FINISH_REASON_{each.name}") for each in FinishReason
}


def usage_message(entry: LedgerEntry) -> pb.UsageEntry:
    """Returns the message of a ledger entry."""
    message = pb.UsageEntry(
        model_id=entry.model_id,
        purpose=_PURPOSES[entry.purpose],
        status=_STATUSES[entry.status],
        layer_number=entry.layer_number,
        prompt_token_count=entry.prompt_tokens,
        completion_token_count=entry.completion_tokens,
        cost_usd=entry.cost_usd,
        estimated=entry.estimated,
        cached_prompt_token_count=entry.cached_prompt_tokens,
        reasoning_token_count=entry.reasoning_tokens,
        attempt_kind=_KINDS[entry.attempt_kind],
        price_version=entry.price_version,
        finish_reason=finish_reason_value(entry.finish_reason),
        backend_message=entry.backend_message,
        capped=entry.capped,
        cache_written_prompt_token_count=entry.cache_written_prompt_tokens,
        time_to_start=duration_message(entry.time_to_start_s),
    )
    set_duration(message.duration, entry.duration_s)
    if entry.time_to_first_token_s is not None:
        set_duration(message.time_to_first_token, entry.time_to_first_token_s)
    return message


def finish_reason_value(reason: FinishReason | None) -> model_pb2.FinishReason.ValueType:
    """Returns the wire value of a finish reason; unspecified for none."""
    return model_pb2.FINISH_REASON_UNSPECIFIED if reason is None else _FINISH_REASONS[reason]


def timing_message(timing: Timing) -> pb.AnswerTiming:
    """Returns the message of the time per stage."""
    message = pb.AnswerTiming()
    set_duration(message.total_duration, timing.total_s)
    set_duration(message.scorer_duration, timing.scorer_s)
    set_duration(message.generation_duration, timing.generation_s)
    set_duration(message.judge_duration, timing.judge_s)
    set_duration(message.aggregation_duration, timing.aggregation_s)
    if timing.first_delta_s is not None:
        set_duration(message.time_to_first_delta, timing.first_delta_s)
    return message


def set_duration(message: duration_pb2.Duration, seconds: float) -> None:
    """Sets a message to a time in seconds, to the microsecond; half the cost of a new one."""
    message.seconds, rest_us = divmod(round(seconds * 1e6), 1_000_000)
    message.nanos = rest_us * 1000


def duration_message(seconds: float) -> duration_pb2.Duration:
    """Returns the message of a time in seconds, to the microsecond."""
    message = duration_pb2.Duration()
    set_duration(message, seconds)
    return message


def name_of(value: enum.Enum | None) -> str:
    """Returns the name of an enum value; UNSPECIFIED for none."""
    return "UNSPECIFIED" if value is None else value.name
