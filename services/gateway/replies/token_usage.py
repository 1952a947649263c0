"""The tokens of a call: those of all calls to models, which are what is paid for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routemoa.v1 import router_service_pb2 as pb


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Tokens read and written, and the parts of them that cost less or are no answer."""

    prompt: int = 0
    cached_prompt: int = 0
    cache_written_prompt: int = 0
    completion: int = 0
    reasoning: int = 0


def token_usage(result: pb.GenerateAnswerResponse) -> TokenUsage:
    """Returns the sum of a result's ledger."""
    entries = result.usage
    return TokenUsage(
        prompt=sum(entry.prompt_token_count for entry in entries),
        cached_prompt=sum(entry.cached_prompt_token_count for entry in entries),
        cache_written_prompt=sum(entry.cache_written_prompt_token_count for entry in entries),
        completion=sum(entry.completion_token_count for entry in entries),
        reasoning=sum(entry.reasoning_token_count for entry in entries),
    )
