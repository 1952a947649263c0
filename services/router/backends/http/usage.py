"""The usage that a backend reports for an attempt, and its cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.router.pool.prices import Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The usage that a backend reports for an attempt. A count of zero says nothing."""

    prompt_tokens: int
    completion_tokens: int
    """Tokens written, those of reasoning included."""
    cached_prompt_tokens: int = 0
    """Tokens of the prompt that the backend had in its cache."""
    cache_written_prompt_tokens: int = 0
    """Tokens of the prompt that the backend wrote to its cache."""
    reasoning_tokens: int | None = None
    """Tokens of reasoning among those written; None if not reported."""
    cost_usd: float | None = None
    """Cost as billed by the backend; None if not reported."""

    def after(self, earlier: Usage | None) -> Usage:
        """Returns the usage that holds after an earlier report: zeros replace nothing."""
        if earlier is None:
            return self
        of_prompt = self if self.prompt_tokens else earlier
        of_completion = self if self.completion_tokens else earlier
        return Usage(
            prompt_tokens=of_prompt.prompt_tokens,
            completion_tokens=of_completion.completion_tokens,
            cached_prompt_tokens=of_prompt.cached_prompt_tokens,
            cache_written_prompt_tokens=of_prompt.cache_written_prompt_tokens,
            reasoning_tokens=of_completion.reasoning_tokens,
            cost_usd=self.cost_usd
            if earlier.cost_usd is None
            else self.cost_usd or earlier.cost_usd,
        )

    def at_most(self, *, tokens: int, completion_tokens: int) -> Usage:
        """Returns the usage, cut if it has more than so many tokens.

        Args:
            tokens: The most tokens of prompt and completion together.
            completion_tokens: The most tokens of the completion of a usage that is cut.
        """
        if self.prompt_tokens + self.completion_tokens <= tokens:
            return self
        written = min(self.completion_tokens, completion_tokens)
        read = min(self.prompt_tokens, tokens - written)
        cached = min(self.cached_prompt_tokens, read)
        return replace(
            self,
            prompt_tokens=read,
            completion_tokens=written,
            cached_prompt_tokens=cached,
            cache_written_prompt_tokens=min(self.cache_written_prompt_tokens, read - cached),
        )

    def cost_at(self, prices: Prices) -> float:
        """Returns the cost that the backend reported, or else that at the prices."""
        if self.cost_usd is not None:
            return self.cost_usd
        return prices.cost_usd(
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cached_prompt_tokens=self.cached_prompt_tokens,
            cache_written_prompt_tokens=self.cache_written_prompt_tokens,
        )


NO_USAGE = Usage(prompt_tokens=0, completion_tokens=0)


def count_of(value: object) -> int | None:
    """Returns a count of tokens; None if the value is no valid count."""
    if isinstance(value, float) and value.is_integer():  # 12.0: some servers compute with floats
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 1 << 31 else None


def count_in(details: object, name: str) -> int | None:
    """Returns a count of tokens in an object; None if it holds no valid one."""
    return count_of(details.get(name)) if isinstance(details, dict) else None
