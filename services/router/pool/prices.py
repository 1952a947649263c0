"""The prices of a model, and the cost of calls at them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices of tokens, in dollars per million."""

    prompt: float
    completion: float
    cached_prompt: float
    """Of prompt tokens that the backend has in its cache."""
    cache_written_prompt: float
    """Of prompt tokens that the backend writes to its cache."""

    def cost_usd(
        self,
        *,
        prompt_tokens: int,
        completion_tokens: int,
        cached_prompt_tokens: int = 0,
        cache_written_prompt_tokens: int = 0,
    ) -> float:
        """Returns the cost of a call.

        Args:
            prompt_tokens: Tokens of the whole prompt.
            completion_tokens: Tokens written.
            cached_prompt_tokens: Tokens of the prompt that were in the cache.
            cache_written_prompt_tokens: Tokens of the prompt that were written to the cache.
        """
        plain_tokens = prompt_tokens - cached_prompt_tokens - cache_written_prompt_tokens
        return (
            plain_tokens * self.prompt
            + cached_prompt_tokens * self.cached_prompt
            + cache_written_prompt_tokens * self.cache_written_prompt
            + completion_tokens * self.completion
        ) / 1e6

    def worst_cost_usd(self, *, prompt_tokens: int, completion_tokens: int) -> float:
        """Returns the cost of a call whose prompt is billed at its highest price."""
        highest = max(self.prompt, self.cached_prompt, self.cache_written_prompt)
        return (prompt_tokens * highest + completion_tokens * self.completion) / 1e6
