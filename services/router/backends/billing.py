"""Bills attempts: the usage that a backend reported, or the router's estimate -> what is booked.

A backend may report anything. No attempt is booked above its reservation, the worst case of its call.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.router.backends.http.exchange import Usage
from services.router.types.amounts import nano_usd
from services.router.types.conversation import prompt_tokens

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange
    from services.router.pool.model import PoolModel
    from services.router.types.amounts import Amount

_NOTHING = Usage(prompt_tokens=0, completion_tokens=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The tokens and dollars that are booked for an attempt."""

    usage: Usage
    cost_usd: float
    reasoning_tokens: int
    estimated: bool
    """True if a token count is the router's own estimate."""
    capped: bool
    """True if the backend reported more than the reservation."""


def bill(exchange: Exchange, worst: Amount, *, processed: bool) -> Bill:
    """Returns the bill of an attempt.

    Args:
        exchange: The attempt, as far as it came.
        worst: Its reservation.
        processed: False if the backend never worked on it, so that it costs nothing.
    """
    model, usage = exchange.model, exchange.usage
    estimated = usage is None
    if usage is None:
        usage = _estimate(exchange) if processed else _NOTHING
    booked = _within(usage, model, worst)
    cost_usd = _cost_usd(model, booked)
    return Bill(
        usage=booked,
        cost_usd=cost_usd if nano_usd(cost_usd) <= worst.nano_usd else worst.usd,
        reasoning_tokens=min(exchange.reasoning_tokens, booked.completion_tokens),
        estimated=estimated,
        capped=(processed or not estimated) and _exceeds(exchange.reported, model, worst),
    )


def _estimate(exchange: Exchange) -> Usage:
    """Returns the reported counts, with estimates for those that the backend did not report."""
    reported = exchange.reported or _NOTHING
    model, count = exchange.model, exchange.model.count_tokens
    written = count(exchange.text) + exchange.reasoning_tokens
    return replace(
        reported,
        prompt_tokens=reported.prompt_tokens
        or prompt_tokens(exchange.messages, count) + count(exchange.partial),
        completion_tokens=reported.completion_tokens or min(written, model.max_reply_tokens),
        cost_usd=reported.cost_usd or None,
    )


def _within(usage: Usage, model: PoolModel, worst: Amount) -> Usage:
    """Returns the usage, cut so that its tokens are within the reservation."""
    if usage.prompt_tokens + usage.completion_tokens <= worst.tokens:
        return usage
    written = min(usage.completion_tokens, model.max_reply_tokens)
    read = min(usage.prompt_tokens, worst.tokens - written)
    cached = min(usage.cached_prompt_tokens, read)
    return replace(
        usage,
        prompt_tokens=read,
        completion_tokens=written,
        cached_prompt_tokens=cached,
        cache_written_prompt_tokens=min(usage.cache_written_prompt_tokens, read - cached),
    )


def _exceeds(reported: Usage | None, model: PoolModel, worst: Amount) -> bool:
    """Returns whether a backend reported more than the reservation."""
    if reported is None:
        return False
    tokens = reported.prompt_tokens + reported.completion_tokens
    return tokens > worst.tokens or nano_usd(_cost_usd(model, reported)) > worst.nano_usd


def _cost_usd(model: PoolModel, usage: Usage) -> float:
    """Returns the cost that the backend reported, or else that of the pool's prices."""
    if usage.cost_usd is not None:
        return usage.cost_usd
    return model.prices.cost_usd(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_prompt_tokens=usage.cached_prompt_tokens,
        cache_written_prompt_tokens=usage.cache_written_prompt_tokens,
    )
