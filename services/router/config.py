"""Settings of the router service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from services.router.backends.replicas.config import ReplicaSettings
from services.router.budgets.config import BudgetSettings
from services.router.decision_records.config import RecordSettings
from services.router.former_settings import FORMER_SETTINGS
from services.router.routing.policy import PolicySettings
from services.router.routing.presets import STRATEGY_DEFAULTS
from services.rpc.config import ListenAddress, ServiceConfig
from services.rpc.former_settings import Former
from services.rpc.tls import TlsFiles


class RouterServiceConfig(ServiceConfig):
    """The router's settings; `ROUTEMOA_ROUTER_...` in the environment.

    A setting of a group has the group's name before its own: `ROUTEMOA_ROUTER_POLICY_MAX_LAYER_COUNT`.
    """

    model_config = SettingsConfigDict(
        env_prefix="ROUTEMOA_ROUTER_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
    )
    former_settings: ClassVar[Mapping[str, Former]] = FORMER_SETTINGS

    listen_address: ListenAddress = "127.0.0.1:50052"
    pool_file: Path = Field(description="YAML file with the models that may be called.")
    pool_reload_interval_s: float = Field(
        default=5.0,
        gt=0,
        allow_inf_nan=False,
        description="How often the pool, tenants and TLS files are checked for changes. Valid changes "
        "are applied without a restart; invalid ones are rejected, logged and counted.",
    )
    learn_latency: bool = Field(
        default=True,
        description="Whether the expected latency of a model follows its calls. If not, the pool "
        "file's medians stand.",
    )
    tenants_file: Path | None = Field(
        default=None,
        description="YAML file with the tenants that may call and their budgets. Absent: everybody may "
        "call, without a budget.",
    )
    scorer_address: str = Field(default="127.0.0.1:50051", description="Address of the scorer.")
    judge_address: str = Field(default="127.0.0.1:50053", description="Address of the judge.")
    dependency_tls_ca_file: Path | None = Field(
        default=None,
        description="PEM file with the CAs of scorer and judge. Absent: they are called in plain text.",
    )
    dependency_tls_certificate_file: Path | None = Field(
        default=None,
        description="PEM file with the certificate chain that the router shows to scorer and judge.",
    )
    dependency_tls_key_file: Path | None = Field(
        default=None, description="PEM file with that certificate's key."
    )
    dependency_timeout_s: float = Field(
        default=1.0,
        gt=0,
        description="Longest wait for the scorer, and for the judge. After it, the pool's prior scores "
        "are used.",
    )
    default_timeout_s: float = Field(
        default=120.0,
        gt=0,
        description="Time for a call whose caller set no deadline. A longer deadline than five times "
        "this is cut to that.",
    )
    quorum_share: float = Field(
        default=0.6,
        gt=0,
        le=1,
        description="Share of a layer's models, rounded up, whose answers start the grace period of "
        "the others. Lower: faster, with fewer answers.",
    )
    # A model begins later than its own 95th percentile in one call of twenty: the rest of the share is
    # for times that change.
    backup_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Most backup models: models that are called because another model of the layer is "
        "silent for longer than in 95% of its calls. As a share of the calls in layers in the last "
        "half minute. 0: none.",
    )
    exploration_cost_usd_per_day: float = Field(
        default=1.0,
        ge=0,
        allow_inf_nan=False,
        description="Most that the calls of tried models may cost in a day, in US dollars, for each "
        "router (docs/learning.md).",
    )
    strategy: str = Field(
        default="routemoa", description="Strategy of requests that name none (docs/strategies.md)."
    )
    policy: PolicySettings = Field(
        default=PolicySettings(),
        description="Values of the policy's fields that a request leaves out.",
    )
    budget: BudgetSettings = Field(
        default=BudgetSettings(), description="The store of the budgets' counts."
    )
    replica: ReplicaSettings = Field(
        default=ReplicaSettings(), description="Limits of extra attempts at calls to a model."
    )
    records: RecordSettings = Field(
        default=RecordSettings(),
        description="The sink of decision records, and the parts of texts that they hold.",
    )

    @field_validator("strategy")
    @classmethod
    def _strategy_is_known(cls, name: str) -> str:
        if name not in STRATEGY_DEFAULTS:
            message = f"must be one of {', '.join(STRATEGY_DEFAULTS)}"
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
        if self.budget.redis_url_file is not None and self.tenants_file is None:
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
