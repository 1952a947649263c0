"""Reads the `usage` object of OpenAI-compatible backends, and the cost in that of OpenRouter.

A count that is missing, zero or no count says nothing and is read as zero.
"""

from __future__ import annotations

from typing import Any

from services.router.backends.http.usage import Usage, count_in

_MAX_COST_USD = 1e6

_CACHE_READS = ("prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens")
"""Names of DeepSeek, LiteLLM and Moonshot, beside OpenAI's in `prompt_tokens_details`."""
_CACHE_WRITES = ("cache_write_tokens", "cache_creation_tokens")
"""Names of OpenRouter and LiteLLM in `prompt_tokens_details`."""


def read_usage(value: object) -> Usage | None:
    """Returns the token counts in a `usage` object; None if the value is none.

    Some gateways do not count cached tokens as the prompt's, and some providers do not count reasoning
    as the completion's. A part that is larger than its whole shows it, or a total that holds the part.
    A total that contradicts the counts in any other way is ignored.
    """
    if not isinstance(value, dict):
        return None
    prompt = count_in(value, "prompt_tokens") or 0
    completion = count_in(value, "completion_tokens") or 0
    cached, written = _cache_reads(value), _cache_writes(value)
    if prompt and cached + written > prompt:
        prompt += cached + written
    reasoning = _reasoning(value)
    if reasoning and completion:
        total = count_in(value, "total_tokens")
        apart = total == prompt + completion + reasoning
        completion = completion + reasoning if apart else max(completion, reasoning)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_prompt_tokens=min(cached, prompt),
        cache_written_prompt_tokens=min(written, max(0, prompt - cached)),
        reasoning_tokens=None if reasoning is None else min(reasoning, completion),
    )


def read_cost(value: dict[str, Any]) -> float | None:
    """Returns the cost in a `usage` object of OpenRouter; None if it holds none.

    With the caller's own key at the provider, `cost` is OpenRouter's fee alone, and the provider's bill
    stands beside it.
    """
    cost, details = _dollars(value.get("cost")), value.get("cost_details")
    upstream = _dollars(details.get("upstream_inference_cost") if type(details) is dict else None)
    own_key = value.get("is_byok")
    if own_key is None:
        own_key = cost is not None and upstream is not None and upstream > cost
    if own_key is not True:
        return cost
    return upstream + (cost or 0.0) if upstream else None


def _cache_reads(usage: dict[str, Any]) -> int:
    count = count_in(usage.get("prompt_tokens_details"), "cached_tokens")
    others = (count_in(usage, name) for name in _CACHE_READS)
    return count or next(filter(None, others), 0)


def _cache_writes(usage: dict[str, Any]) -> int:
    details = usage.get("prompt_tokens_details")
    counts = [count_in(details, name) for name in _CACHE_WRITES]
    counts.append(count_in(usage, "cache_creation_input_tokens"))  # LiteLLM
    return next(filter(None, counts), 0)


def _reasoning(usage: dict[str, Any]) -> int | None:
    count = count_in(usage.get("completion_tokens_details"), "reasoning_tokens")
    return count_in(usage, "reasoning_tokens") if count is None else count  # SGLang has it there


def _dollars(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _MAX_COST_USD else None
