"""The weights and limits that a request is answered by, and the settings that are their defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from services.router.types.amounts import Caps, nano_usd


class Bounds(NamedTuple):
    """The least and the greatest value of a field."""

    low: int
    high: int


SHARES = Bounds(0, 1)
LAYER_MODEL_COUNTS = Bounds(1, 16)
LAYER_COUNTS = Bounds(1, 5)
CALL_COUNTS = Bounds(1, 64)

Share = Annotated[float, Field(ge=SHARES.low, le=SHARES.high)]
Worth = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PolicySettings(BaseModel):
    """Every field of a policy that has a default, by its name in the contract's `RoutingPolicy`.

    Presets, the operator and strategies each set some of the fields; `updated` puts them together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    quality_weight: Share = Field(default=1.0, description="Weight of the score in the utility.")
    # The least of some round prices at which, on folds of training queries, no recorded pool is
    # answered worse than by its best single model (docs/benchmarks/frontier.md).
    usd_per_right_answer: Worth | None = Field(
        default=0.05,
        description="US dollars that one more right answer is worth. Absent: the cost does not count.",
    )
    seconds_per_right_answer: Worth | None = Field(
        default=1000.0,
        description="Seconds that one more right answer is worth waiting for. Absent: the latency does "
        "not count.",
    )
    max_layer_model_count: int = Field(
        default=3,
        ge=LAYER_MODEL_COUNTS.low,
        le=LAYER_MODEL_COUNTS.high,
        description="Most models that run together in a layer.",
    )
    max_layer_count: int = Field(
        default=2, ge=LAYER_COUNTS.low, le=LAYER_COUNTS.high, description="Most layers."
    )
    stopping_score: Share = Field(
        default=0.8, description="Posterior score from which on no further layer runs."
    )
    # On held-out training queries of two pools, majorities over models within 0.1 of the best were as
    # often right as over models within 0.2, at up to a quarter fewer calls.
    max_score_gap: Share = Field(
        default=0.1,
        description="Largest difference to the best score at which a model is still selected.",
    )
    price_band: Share = Field(
        default=0.002,
        description="Largest difference between utilities that count as equal, so that the cheaper "
        "model comes first.",
    )
    # The least step of 0.05 from which on playing safe loses nothing on training queries, by folds
    # (`python -m tests.bench.bench_uncertainty`).
    max_uncertainty: Share = Field(
        default=0.5,
        description="Uncertainty of a ranking from which on the pool's safe models run, if it has any.",
    )
    max_expected_latency_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None,
        description="Longest expected time of one call to a model that is selected. Absent: no limit.",
    )
    max_cost_usd: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Most that an answer may cost, in US dollars. Absent: no limit."
    )
    max_call_count: int = Field(
        default=10,
        ge=CALL_COUNTS.low,
        le=CALL_COUNTS.high,
        description="Most calls to models per answer, the aggregator's included.",
    )
    max_token_count: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Most tokens, prompt and completion, of all calls of an answer. Absent: no limit.",
    )

    exploration_share: Share = Field(
        default=0.0,
        description="Share of the answers whose first layer has a model that would not be chosen, so "
        "that more is known of it. 0: none.",
    )

    def updated(self, changes: PolicySettings) -> PolicySettings:
        """Returns these settings with the fields that `changes` sets."""
        return self.model_copy(update=changes.model_dump(exclude_unset=True))


class FormerWeights(BaseModel):
    """The weights that a request may set for one more release; each replaces the price of its kind."""

    cost_weight: Share | None = Field(
        default=None,
        description="Weight of the expected cost, as a share of the most expensive model's.",
    )
    latency_weight: Share | None = Field(
        default=None,
        description="Weight of the expected latency, as a share of the slowest model's.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The policy of one request, every default filled in.

    `PolicySettings` and `FormerWeights` describe the fields.
    """

    strategy: str
    """Name of the strategy; one of the registry's."""
    quality_weight: float
    usd_per_right_answer: float | None
    seconds_per_right_answer: float | None
    max_layer_model_count: int
    max_layer_count: int
    stopping_score: float
    max_score_gap: float
    price_band: float
    max_uncertainty: float
    max_expected_latency_s: float | None
    max_cost_usd: float | None
    max_call_count: int
    max_token_count: int | None
    exploration_share: float
    kept_answer_count: int
    """Answers of a layer that the judge of `smoa` keeps."""
    model_ids: frozenset[str]
    """The models that may run; empty means the whole pool."""
    cost_weight: float | None
    latency_weight: float | None

    @property
    def caps(self) -> Caps:
        """The limits of all calls together."""
        return Caps(
            calls=self.max_call_count,
            tokens=self.max_token_count,
            nano_usd=None if self.max_cost_usd is None else nano_usd(self.max_cost_usd),
        )

    @property
    def team_size(self) -> int | None:
        """The number of models that should complement one another; None if one runs alone."""
        return self.max_layer_model_count if self.max_layer_model_count > 1 else None

    def allows(self, model_id: str) -> bool:
        """Returns whether a model may run."""
        return not self.model_ids or model_id in self.model_ids

    @property
    def latency_limit_s(self) -> float:
        """The longest expected time of a call; infinite if there is no limit."""
        limit_s = self.max_expected_latency_s
        return math.inf if limit_s is None else limit_s
