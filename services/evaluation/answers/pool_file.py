"""A recorded pool -> the pool file that the router reads.

Context windows and latencies are not recorded and are the same for all models, so that they decide
nothing. Prices are set so that a call of mean size costs the recorded mean.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import yaml

from services.evaluation.answers.prices import Price
from services.simulator.stream import split_pieces

if TYPE_CHECKING:
    from services.evaluation.answers.recorded_pool import RecordedPool

_CONTEXT_WINDOW_TOKENS = 131_072
_MAX_REPLY_TOKENS = 8_192
"""More than the longest recorded answer, which must not be cut."""
_MEDIAN_LATENCY_S = 1.0
_DEFAULT_REPLY_TOKENS = 300


def pool_yaml(pool: RecordedPool, url: str) -> str:
    """Returns a pool file whose models are all served by the simulator at ``url``."""
    models = [_model(pool, model, url) for model in pool.models]
    return yaml.safe_dump({"models": models}, sort_keys=False)


def _model(pool: RecordedPool, model: str, url: str) -> dict[str, object]:
    price = _price(pool, model)
    return {
        "id": model,
        "url": url,
        "family": "other",  # the simulator accepts every request, and looks for the query in it
        "prompt_price_usd_per_million_tokens": price.prompt,
        "completion_price_usd_per_million_tokens": price.completion,
        "context_window_tokens": _CONTEXT_WINDOW_TOKENS,
        "max_reply_tokens": _MAX_REPLY_TOKENS,
        "expected_reply_tokens": _mean_reply_tokens(pool, model),
        "median_latency_s": _MEDIAN_LATENCY_S,
        "prior_score": round(fmean(query.scores[model] for query in pool.train), 4),
    }


def _price(pool: RecordedPool, model: str) -> Price:
    if pool.prices is not None:
        return pool.prices[model]
    if not pool.has_costs:
        return Price(prompt=0.0, completion=0.0)
    cost_usd = fmean(query.costs_usd[model] for query in pool.train)
    read = fmean(query.prompt_tokens for query in pool.train)
    mean = round(cost_usd * 1e6 / (read + _mean_reply_tokens(pool, model)), 6)
    return Price(prompt=mean, completion=mean)


def _mean_reply_tokens(pool: RecordedPool, model: str) -> int:
    replies = [query.responses[model] for query in pool.train if model in query.responses]
    if not replies:
        return _DEFAULT_REPLY_TOKENS
    return max(1, round(fmean(len(split_pieces(reply)) for reply in replies)))
