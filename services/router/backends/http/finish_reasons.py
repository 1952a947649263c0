"""Finish reasons: the words of backends and gateways -> the end of a reply, or a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.types.ledger import CallStatus, FinishReason

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_REASONS = {"null", "none", "unspecified", "finish_reason_unspecified", "not_finished"}
"""Texts that some servers send while the reply goes on."""

_WORDS: Mapping[FinishReason, tuple[str, ...]] = {
    FinishReason.STOP: (
        *("stop", "stopped", "eos", "eos_token", "stop_token", "end", "end_turn", "end_of_text"),
        *("stop_sequence", "stop_sequences", "stop_word", "word", "complete", "completed"),
        *("finish", "finished", "done", "stop_criteria_met", "end_of_sequence"),
    ),
    FinishReason.LENGTH: (
        *("length", "limit", "max_tokens", "max_new_tokens", "max_output_tokens", "max_length"),
        *("model_length", "token_limit", "max_tokens_reached", "model_context_window_exceeded"),
        *("context_length", "context_length_exceeded", "max_completion_tokens", "truncated"),
    ),
    FinishReason.CONTENT_FILTER: (
        *("content_filter", "content-filter", "contentfilter", "content_filtered", "safety"),
        *("recitation", "blocklist", "prohibited_content", "spii", "sensitive", "flagged"),
        *("guardrail_intervened", "error_toxic", "moderation"),
    ),
    FinishReason.TOOL_CALLS: (
        *("tool_calls", "tool_call", "tool_use", "tool-calls", "function_call", "function_calls"),
    ),
    FinishReason.REFUSAL: ("refusal", "refused"),
}
"""The spellings of all backends, and of the providers behind gateways."""
_REASONS = {word: reason for reason, words in _WORDS.items() for word in words}

_FAILURES: Mapping[str, CallStatus] = {
    # The server aborts what runs when it shuts down or is out of memory.
    **dict.fromkeys(("abort", "aborted", "cancelled", "canceled"), CallStatus.INTERRUPTED),
    **dict.fromkeys(("insufficient_system_resource", "timeout"), CallStatus.INTERRUPTED),
    **dict.fromkeys(("error", "server_error", "internal_error"), CallStatus.BACKEND_ERROR),
    **dict.fromkeys(("network_error", "model_error", "failed"), CallStatus.BACKEND_ERROR),
}


def reason_word(value: object) -> str:
    """Returns a finish reason in lower case; empty if the value says nothing."""
    if isinstance(value, dict):
        value = value.get("type") or value.get("reason")
    if not isinstance(value, str):
        return "" if not value else "unknown"
    word = value.strip().lower().removeprefix("finishreason.").removeprefix("finish_reason_")
    return "" if word in _NO_REASONS else word


def failure_of(word: str) -> CallStatus | None:
    """Returns the failure that a finish reason stands for; None if it stands for an end."""
    return _FAILURES.get(word)


def finish_reason_of(word: str) -> FinishReason | None:
    """Returns the end that a finish reason stands for; None if it is unknown."""
    return _REASONS.get(word)
