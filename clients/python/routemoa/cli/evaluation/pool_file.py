"""A replayed pool -> the pool file that the router reads.

What the records do not hold (windows, latencies) is set alike for all models, so that it decides
nothing. Prices are such that a call of mean size costs the recorded mean.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from routemoa.cli.evaluation.replay_pool import ReplayPool

_CHARACTERS_PER_TOKEN = 4
"""OpenAI's rule of thumb for English text; the replay server counts prompts by it too."""
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
    price = _price_usd_per_million_tokens(pool, model)
    return {
        "id": model,
        "url": url,
        "prompt_price_usd_per_million_tokens": price,
        "completion_price_usd_per_million_tokens": price,
        "context_window_tokens": _CONTEXT_WINDOW_TOKENS,
        "max_reply_tokens": _MAX_REPLY_TOKENS,
        "expected_reply_tokens": _mean_reply_tokens(pool, model),
        "median_latency_s": _MEDIAN_LATENCY_S,
        "prior_score": round(fmean(record.scores[model] for record in pool.train), 4),
    }


def _price_usd_per_million_tokens(pool: ReplayPool, model: str) -> float:
    if not pool.has_costs:
        return 0.0
    cost_usd = fmean(record.costs_usd[model] for record in pool.train)
    prompt_tokens = fmean(_tokens(record.query) for record in pool.train)
    return round(cost_usd * 1e6 / (prompt_tokens + _mean_reply_tokens(pool, model)), 6)


def _mean_reply_tokens(pool: ReplayPool, model: str) -> int:
    replies = [record.responses[model] for record in pool.train if model in record.responses]
    if not replies:
        return _DEFAULT_REPLY_TOKENS
    return max(1, round(fmean(_tokens(reply) for reply in replies)))


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)
