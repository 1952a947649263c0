"""Estimates what a call to each model costs and how long it takes: models -> candidates. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.router.routing.candidates import Candidates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.pool.pool import ModelSet
    from services.router.routing.candidates import Floats
    from services.router.routing.prompt_caches import CachedPrompts, PromptCaches
    from services.router.routing.ranking import Forecast


def candidates_of(
    models: ModelSet,
    *,
    priors: Mapping[str, float],
    posteriors: Mapping[str, float],
    forecast: Forecast,
    caches: PromptCaches,
    prompt_tokens: int,
    worst_prompt_tokens: int,
    max_output_tokens: int | None,
) -> Candidates:
    """Returns models with the estimates of one call to each.

    Args:
        models: The models.
        priors: The prior score of each.
        posteriors: The posterior scores of those that ran.
        forecast: Estimates made before any model ran.
        caches: The backends' caches.
        prompt_tokens: Expected tokens of the prompt.
        worst_prompt_tokens: The most tokens that the prompt can have.
        max_output_tokens: The request's limit of a reply; None if it sets none.
    """
    reply_limits = models.reply_limits(max_output_tokens)
    expected = models.column(forecast.completion_tokens, models.expected_reply_tokens)
    written = np.minimum(expected, reply_limits).astype(np.int64)
    cached = caches.next_prompts(models.places, prompt_tokens)
    later = caches.later_prompts(models.places, prompt_tokens)

    def cost_usd(part: CachedPrompts) -> Floats:
        return models.prices.cost_usd(
            prompt_tokens=prompt_tokens,
            completion_tokens=written,
            cached_prompt_tokens=part.read,
            cache_written_prompt_tokens=part.written,
        )

    prior = np.array([priors[model_id] for model_id in models.ids], dtype=np.float64)
    return Candidates(
        model_ids=models.ids,
        id_place=models.id_place,
        score=models.column(posteriors, prior),
        prior_score=prior,
        expected_completion_tokens=written,
        expected_cost_usd=cost_usd(cached),
        worst_tokens=worst_prompt_tokens + reply_limits,
        worst_cost_usd=models.prices.worst_cost_usd(
            prompt_tokens=worst_prompt_tokens, completion_tokens=reply_limits
        ),
        expected_latency_s=models.column(forecast.latency_s, models.median_latency_s),
        available=~models.among(forecast.unavailable_ids),
        expected_prompt_tokens=np.full(len(models), prompt_tokens),
        cached_prompt_tokens=cached.read,
        later_cost_usd=cost_usd(later),
        score_sources=forecast.score_sources,
    )
