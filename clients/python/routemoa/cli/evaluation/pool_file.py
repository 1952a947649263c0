"""A replayed pool -> the pool file that the router reads.

What the records do not hold (windows, latencies) is set alike for all models, so that it decides
nothing. Prices are such that a call of mean size costs the recorded mean.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import yaml

from routemoa.cli.evaluation.prices import Price
from routemoa.cli.evaluation.tokens import reply_tokens

if TYPE_CHECKING:
    from routemoa.cli.evaluation.replay_pool import ReplayPool

_CONTEXT_WINDOW_TOKENS = 131_072
_MAX_REPLY_TOKENS = 8_192
"""More than the longest recorded answer, which must not be cut."""
_MEDIAN_LATENCY_S = 1.0
_DEFAULT_REPLY_TOKENS = 300


def pool_yaml(pool: ReplayPool, url: str) -> str:
    """Returns the pool file whose models are all replayed by the server at ``url``."""
    models = [_model(pool, model, url) for model in pool.models]
    return yaml.safe_dump({"models": models}, sort_keys=False)


def _model(pool: ReplayPool, model: str, url: str) -> dict[str, object]:
    price = _price(pool, model)
    return {
        "id": model,
        "url": url,
        "prompt_price_usd_per_million_tokens": price.prompt,
        "completion_price_usd_per_million_tokens": price.completion,
        "context_window_tokens": _CONTEXT_WINDOW_TOKENS,
        "max_reply_tokens": _MAX_REPLY_TOKENS,
        "expected_reply_tokens": _mean_reply_tokens(pool, model),
        "median_latency_s": _MEDIAN_LATENCY_S,
        "prior_score": round(fmean(record.scores[model] for record in pool.train), 4),
    }


def _price(pool: ReplayPool, model: str) -> Price:
    if pool.prices is not None:
        return pool.prices[model]
    if not pool.has_costs:
        return Price(prompt=0.0, completion=0.0)
    cost_usd = fmean(record.costs_usd[model] for record in pool.train)
    read = fmean(record.prompt_tokens for record in pool.train)
    mean = round(cost_usd * 1e6 / (read + _mean_reply_tokens(pool, model)), 6)
    return Price(prompt=mean, completion=mean)


def _mean_reply_tokens(pool: ReplayPool, model: str) -> int:
    replies = [record.responses[model] for record in pool.train if model in record.responses]
    if not replies:
        return _DEFAULT_REPLY_TOKENS
    return max(1, round(fmean(reply_tokens(reply) for reply in replies)))
