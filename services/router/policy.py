"""What a call is willing to spend, and on what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A request's weights and limits, every default filled in."""

    strategy: str
    """Name of the strategy; one of the registry's."""
    quality_weight: float
    """Weight of the score, in [0, 1]."""
    cost_weight: float
    """Weight of the expected cost as a share of the dearest eligible model's, in [0, 1]."""
    latency_weight: float
    """Weight of the expected latency as a share of the slowest eligible model's, in [0, 1]."""
    max_layer_models: int
    """Models that run together in a layer, at most."""
    max_layers: int
    """Layers, at most."""
    stopping_score: float
    """Posterior score from which on no further layer runs."""
    max_score_gap: float
    """How far below the best score a selected model's may lie."""
    max_cost_usd: float | None
    """What the whole call may cost, at most."""
    max_calls: int
    """Calls to models, the aggregator's included, at most."""
    model_ids: frozenset[str]
    """The models that may run; empty means the whole pool."""
