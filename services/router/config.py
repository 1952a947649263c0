"""Settings of the router service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from services.router.backends.replicas.config import ReplicaConfig
from services.router.decision_records.config import DecisionConfig
from services.router.strategies.registry import STRATEGIES
from services.rpc.config import ListenAddress
from services.rpc.tls import TlsFiles

Weight = Annotated[float, Field(ge=0, le=1)]


class RouterServiceConfig(DecisionConfig, ReplicaConfig):
    """What the router needs to know at start; `ROUTEMOA_ROUTER_...` in the environment."""

    model_config = SettingsConfigDict(env_prefix="ROUTEMOA_ROUTER_", frozen=True, extra="ignore")

    listen_address: ListenAddress = "127.0.0.1:50052"
    deadline_floor_ms: int = Field(
        default=50, ge=0, description="Calls that allow less time than this are refused unstarted."
    )
    pool_file: Path = Field(description="YAML file with the models that may be called.")
    pool_reload_interval_s: float = Field(
        default=5.0,
        gt=0,
        allow_inf_nan=False,
        description="How often the pool file, the tenants file and the dependencies' TLS files are "
        "looked at. A changed one is used from then on; a bad one is refused, logged and counted.",
    )
    tenants_file: Path | None = Field(
        default=None,
        description="YAML file with those who may call and their budgets. Absent: everybody may call, "
        "without a budget.",
    )
    budget_redis_url_file: Path | None = Field(
        default=None,
        description="File with the URL, password included, of the Redis that keeps the budgets' counts "
        "for all routers. Absent: each router counts for itself, in memory.",
    )
    budget_timeout_s: float = Field(
        default=0.5,
        gt=0,
        description="Time for Redis; after it calls of tenants with a budget are refused.",
    )
    budget_lease_margin_s: float = Field(
        default=30.0,
        ge=0,
        description="How long after its deadline an answer's reservations stay if its router vanishes.",
    )
    scorer_address: str = Field(default="127.0.0.1:50051", description="Where the scorer listens.")
    judge_address: str = Field(default="127.0.0.1:50053", description="Where the judge listens.")
    dependency_tls_ca_file: Path | None = Field(
        default=None,
        description="PEM file with the CAs of scorer and judge. Absent: they are called in plain text.",
    )
    dependency_tls_certificate_file: Path | None = Field(
        default=None, description="PEM file with the certificate chain that they are shown."
    )
    dependency_tls_key_file: Path | None = Field(
        default=None, description="PEM file with that certificate's key."
    )
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
    # A majority that nobody could overturn waits for nobody, so the clock is for layers that disagree.
    # With times by the lengths of recorded training answers, half as long again lost 0.9 points of
    # mmlupro28's right answers against waiting for all; as long again lost 0.3, at 3 % more time.
    grace_share: float = Field(
        default=1.0,
        ge=0,
        description="Time the rest of a layer still gets, as a share of what the quorum took.",
    )
    # A model begins later than its own 95th percentile in one call of twenty: the rest of the share is
    # for times that change.
    stand_in_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Models that run in a layer in place of others that are silent for longer than 95% "
        "of their calls, as a share of the layers' calls in the last half minute. 0: none.",
    )
    strategy: str = Field(
        default="routemoa", description="How answers are made where a request does not say."
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
    price_band: Weight = Field(
        default=0.01,
        description="How far utilities may lie apart and still count as equal, so that the cheaper "
        "model comes first.",
    )
    # The least step of 0.05 from which on playing safe loses nothing on training queries, by folds
    # (`python -m tests.bench.bench_uncertainty`).
    max_uncertainty: Weight = Field(
        default=0.5,
        description="Uncertainty of a ranking from which on the pool's safe models run, if it has any.",
    )
    max_expected_latency_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None,
        description="How long a model's call may be expected to take. Absent: no limit.",
    )
    latency_half_life_s: float = Field(
        default=600.0,
        gt=0,
        allow_inf_nan=False,
        description="Time after which a call counts half as much for its model's expected latency.",
    )
    pool_median_calls: float = Field(
        default=5.0,
        gt=0,
        allow_inf_nan=False,
        description="How many calls the pool file's median latency counts as. Very many: it stands, "
        "whatever calls take.",
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
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Tokens, read and written, of all calls of an answer. Absent: no limit.",
    )
    min_gain: Weight = Field(
        default=0.01,
        description="How far the best posterior score must move in a layer, or another model come "
        "first, for another layer to run.",
    )
    smoa_kept_answers: int = Field(
        default=2, ge=1, le=16, description="Answers of a layer that the judge of `smoa` keeps."
    )
    self_moa_temperature: float = Field(
        default=0.7, ge=0, le=2, description="Temperature of the samples of `self-moa`."
    )

    @field_validator("strategy")
    @classmethod
    def _strategy_is_known(cls, name: str) -> str:
        if name not in STRATEGIES:
            message = f"must be one of {', '.join(STRATEGIES)}"
            raise ValueError(message)
        return name

    @model_validator(mode="after")
    def _dependency_tls_is_whole(self) -> Self:
        certificate, key = self.dependency_tls_certificate_file, self.dependency_tls_key_file
        if (certificate is None) != (key is None):
            raise ValueError(
                "dependency_tls_certificate_file and dependency_tls_key_file go together"
            )
        if certificate is not None and self.dependency_tls_ca_file is None:
            raise ValueError("dependency_tls_certificate_file needs dependency_tls_ca_file")
        return self

    @model_validator(mode="after")
    def _redis_has_something_to_count(self) -> Self:
        if self.budget_redis_url_file is not None and self.tenants_file is None:
            raise ValueError("budget_redis_url_file needs tenants_file")
        return self

    @property
    def dependency_tls(self) -> TlsFiles | None:
        """The TLS files for calling scorer and judge; None means plain text."""
        if self.dependency_tls_ca_file is None:
            return None
        return TlsFiles(
            certificate=self.dependency_tls_certificate_file,
            key=self.dependency_tls_key_file,
            ca=self.dependency_tls_ca_file,
        )
