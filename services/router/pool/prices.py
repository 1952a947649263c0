"""The prices of a model, or of several as arrays, and the cost of calls at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    NumberT = TypeVar("NumberT", float, npt.NDArray[np.float64])
else:
    NumberT = TypeVar("NumberT")


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesOf(Generic[NumberT]):
    """Prices of tokens, in dollars per million: numbers of one model, or arrays of several."""

    prompt: NumberT
    completion: NumberT
    cached_prompt: NumberT
    """Of prompt tokens that the backend has in its cache."""
    cache_written_prompt: NumberT
    """Of prompt tokens that the backend writes to its cache."""
    worst_prompt: NumberT
    """The highest of the three prices of a prompt."""

    def cost_usd(
        self,
        *,
        prompt_tokens: Any,
        completion_tokens: Any,
        cached_prompt_tokens: Any = 0,
        cache_written_prompt_tokens: Any = 0,
    ) -> NumberT:
        """Returns the cost of a call to each model.

        Args:
            prompt_tokens: Tokens of the whole prompt.
            completion_tokens: Tokens written.
            cached_prompt_tokens: Tokens of the prompt that were in the cache.
            cache_written_prompt_tokens: Tokens of the prompt that were written to the cache.
        """
        plain_tokens = prompt_tokens - cached_prompt_tokens - cache_written_prompt_tokens
        cost_usd: NumberT = (
            plain_tokens * self.prompt
            + cached_prompt_tokens * self.cached_prompt
            + cache_written_prompt_tokens * self.cache_written_prompt
            + completion_tokens * self.completion
        ) / 1e6
        return cost_usd

    def worst_cost_usd(self, *, prompt_tokens: Any, completion_tokens: Any) -> NumberT:
        """Returns the cost of a call whose prompt is billed at its highest price."""
        micro_usd = prompt_tokens * self.worst_prompt + completion_tokens * self.completion
        cost_usd: NumberT = micro_usd / 1e6
        return cost_usd


class Prices(PricesOf[float]):
    """The prices of one model."""

    __slots__ = ()
