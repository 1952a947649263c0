"""Settings of the router service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.rpc.config import ListenAddress, ServiceConfig

Weight = Annotated[float, Field(ge=0, le=1)]


class RouterServiceConfig(ServiceConfig):
    """What the router needs to know at start; `ROUTEMOA_ROUTER_...` in the environment."""

    model_config = SettingsConfigDict(env_prefix="ROUTEMOA_ROUTER_", frozen=True, extra="ignore")

    listen_address: ListenAddress = "127.0.0.1:50052"
    deadline_floor_ms: int = Field(
        default=50, ge=0, description="Calls that allow less time than this are refused unstarted."
    )
    pool_file: Path = Field(description="YAML file with the models that may be called.")
    scorer_address: str = Field(default="127.0.0.1:50051", description="Where the scorer listens.")
    judge_address: str = Field(default="127.0.0.1:50053", description="Where the judge listens.")
    scorer_timeout_s: float = Field(
        default=1.0, gt=0, description="Time for the scorer; after it the pool's priors stand in."
    )
    judge_timeout_s: float = Field(
        default=1.0, gt=0, description="Time for the judge; after it the prior scores stand in."
    )
    breaker_failure_count: int = Field(
        default=3, ge=1, description="Failures in a row after which a dependency is not called."
    )
    breaker_open_s: float = Field(
        default=5.0, gt=0, description="Time until it is tried again after that."
    )
    default_timeout_s: float = Field(
        default=120.0, gt=0, description="Time for a call whose caller set no deadline."
    )
    deadline_margin_ms: int = Field(
        default=30,
        ge=0,
        description="How long before the caller's deadline the best answer so far is sent.",
    )
    min_stage_s: float = Field(
        default=0.2,
        ge=0,
        description="Least time left in which another layer or the aggregator is started.",
    )
    quorum_share: float = Field(
        default=0.6,
        gt=0,
        le=1,
        description="Share of a layer's models, rounded up, whose answers start the grace period.",
    )
    grace_share: float = Field(
        default=0.5,
        ge=0,
        description="Time the rest of a layer still gets, as a share of what the quorum took.",
    )
    quality_weight: Weight = Field(default=1.0, description="Weight of the score in the utility.")
    cost_weight: Weight = Field(
        default=0.1, description="Weight of cost, as a share of the dearest model's."
    )
    latency_weight: Weight = Field(
        default=0.05, description="Weight of latency, as a share of the slowest model's."
    )
    max_layer_models: int = Field(
        default=3, ge=1, le=16, description="Models that run together in a layer."
    )
    max_layers: int = Field(default=2, ge=1, le=5, description="Layers.")
    stopping_score: Weight = Field(
        default=0.8, description="Posterior score from which on no further layer runs."
    )
    # On held-out training queries of two pools, majorities over models within 0.1 of the best were as
    # often right as over models within 0.2, at up to a quarter fewer calls.
    max_score_gap: Weight = Field(
        default=0.1, description="How far below the best score a selected model's may lie."
    )
    max_cost_usd: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="What a call may cost. Absent: no limit."
    )
    max_calls: int = Field(
        default=10,
        ge=1,
        le=64,
        description="Calls to models per answer, the aggregator's included.",
    )
