"""The models of the simulated pool: prices, latencies and skills."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER = """\
# SIMULATED pool: no model is run behind these addresses. The ids and the order of magnitude of the
# prices are those of real models; answers, skills and latencies are made up by services/simulator.
"""
_MAX_REPLY_TOKENS = 1024
_EXPECTED_REPLY_TOKENS = 60
_CAPABILITIES = (
    *("tools", "parallel_tools", "json_object", "json_schema", "images", "log_probabilities"),
    "reasoning",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedModel:
    """One model of the simulated pool."""

    prompt_price_usd_per_million_tokens: float
    completion_price_usd_per_million_tokens: float
    context_window_tokens: int
    median_latency_s: float
    skills: Mapping[str, float]
    """Share of questions answered right, in [0, 1], by domain."""

    @property
    def mean_skill(self) -> float:
        """The mean skill over the domains."""
        return fmean(self.skills.values())


_DOMAINS = (
    *("maths", "code", "law", "biology", "history"),
    *("physics", "chemistry", "economics", "medicine", "philosophy"),
)


def _model(
    prices: tuple[float, float], window_tokens: int, latency_s: float, percents: str
) -> SimulatedModel:
    skills = [int(percent) / 100 for percent in percents.split()]
    return SimulatedModel(
        prompt_price_usd_per_million_tokens=prices[0],
        completion_price_usd_per_million_tokens=prices[1],
        context_window_tokens=window_tokens,
        median_latency_s=latency_s,
        skills=dict(zip(_DOMAINS, skills, strict=True)),
    )


# Prices in USD per million tokens (prompt, completion); skills in percent, in the order of _DOMAINS.
MODELS: Mapping[str, SimulatedModel] = {
    "gpt-4o-mini-2024-07-18": _model((0.15, 0.60), 128_000, 1.4, "85 85 70 85 80 80 75 80 80 75"),
    "claude-3-5-haiku-20241022": _model(
        (0.80, 4.00), 200_000, 1.9, "80 90 80 85 85 80 80 80 85 90"
    ),
    "Qwen2-72B-Instruct": _model((0.90, 0.90), 32_768, 2.6, "80 75 65 80 75 80 80 85 75 70"),
    "Meta-Llama-3.1-70B-Instruct": _model(
        (0.88, 0.88), 131_072, 2.4, "80 80 75 85 90 80 75 80 80 80"
    ),
    "Meta-Llama-3.1-8B-Instruct": _model(
        (0.18, 0.18), 131_072, 0.9, "55 55 45 65 60 55 45 55 60 50"
    ),
    "gemma-2-9b-it": _model((0.30, 0.30), 8_192, 1.0, "60 50 50 70 65 60 55 60 60 65"),
    "Phi-3.5-mini-instruct": _model((0.10, 0.10), 131_072, 0.7, "60 55 40 60 40 60 55 50 50 40"),
    "mathstral-7B": _model((0.25, 0.25), 32_768, 0.8, "90 60 20 40 25 75 55 40 30 25"),
}


def default_pool(base_url: str) -> str:
    """Returns a pool file (YAML) whose models are all served by the simulator at ``base_url``."""
    url = f"{base_url.rstrip('/').removesuffix('/v1')}/v1"
    models = [
        {
            "id": model_id,
            "url": url,
            "family": "other",  # the simulator accepts every request
            "prompt_price_usd_per_million_tokens": model.prompt_price_usd_per_million_tokens,
            "completion_price_usd_per_million_tokens": model.completion_price_usd_per_million_tokens,
            "context_window_tokens": model.context_window_tokens,
            "max_reply_tokens": _MAX_REPLY_TOKENS,
            "expected_reply_tokens": _EXPECTED_REPLY_TOKENS,
            "median_latency_s": model.median_latency_s,
            "prior_score": round(model.mean_skill, 2),
            "capabilities": list(_CAPABILITIES),
        }
        for model_id, model in MODELS.items()
    ]
    return _HEADER + yaml.safe_dump({"models": models}, sort_keys=False)
