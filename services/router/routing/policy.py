"""What a call is willing to spend, and on what."""

from __future__ import annotations

from dataclasses import dataclass

from services.router.types.amounts import nano_usd
from services.router.types.resource_limits import Caps


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
    price_band: float
    """How far utilities may lie apart and still count as equal, in [0, 1]."""
    max_uncertainty: float
    """Uncertainty from which on the pool's safe models run."""
    max_expected_latency_s: float | None
    """How long a selected model's call may be expected to take; None means no limit."""
    max_cost_usd: float | None
    """What the whole call may cost, at most."""
    max_calls: int
    """Calls to models, the aggregator's included, at most."""
    max_tokens: int | None
    """Tokens, read and written, of all calls together, at most; None means no limit."""
    min_gain: float
    """How far the best posterior score must move in a layer for another layer to run."""
    kept_answers: int
    """Answers that the judge of `smoa` keeps of a layer."""
    sampling_temperature: float
    """Temperature of the samples of `self-moa`."""
    model_ids: frozenset[str]
    """The models that may run; empty means the whole pool."""

    @property
    def caps(self) -> Caps:
        """What all calls may take together."""
        return Caps(
            calls=self.max_calls,
            tokens=self.max_tokens,
            nano_usd=None if self.max_cost_usd is None else nano_usd(self.max_cost_usd),
        )

    @property
    def team_size(self) -> int:
        """How many models are to complement one another; one alone is no team."""
        return self.max_layer_models if self.max_layer_models > 1 else 0

    def allows_latency(self, expected_s: float) -> bool:
        """Says whether a model may be expected to take so long."""
        return self.max_expected_latency_s is None or expected_s <= self.max_expected_latency_s
