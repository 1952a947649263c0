"""The settings of the router that are about replicas."""

from __future__ import annotations

from pydantic import Field

from services.router.backends.replicas.settings import (
    EjectionSettings,
    HedgeSettings,
    ReplicaSettings,
    RetrySettings,
)
from services.rpc.config import ServiceConfig


class ReplicaConfig(ServiceConfig):
    """How far the router goes to have a call answered by one of a model's replicas."""

    max_attempts: int = Field(
        default=4, ge=1, le=16, description="Attempts per call to a model, hedges included."
    )
    retry_share: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Retries of a model's calls, as a share of its calls in the last half minute; ten "
        "are allowed however few those were.",
    )
    retry_max_wait_s: float = Field(
        default=2.0,
        ge=0,
        le=60,
        description="Longest wait before a retry. A backend that asks for a longer one (Retry-After) "
        "is not tried again.",
    )
    hedge_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Calls for which a second replica is asked because the first is slow to begin, as "
        "a share of the calls in the last half minute. 0: none.",
    )
    hedge_min_delay_ms: int = Field(
        default=50,
        ge=0,
        description="Least time that a replica, or a model, has to begin before another is asked; "
        "longer where 95% of the model's calls take longer to begin.",
    )
    ejection_failure_count: int = Field(
        default=3, ge=1, description="Failures in a row after which a replica is left alone."
    )
    ejection_base_s: float = Field(
        default=2.0, gt=0, le=600, description="For how long, the first time; it doubles each time."
    )
    ejection_max_s: float = Field(default=60.0, gt=0, le=3600, description="For how long at most.")
    max_ejection_share: float = Field(
        default=0.75,
        ge=0,
        le=1,
        description="Share of a model's replicas, rounded down, that may be left alone at a time.",
    )

    @property
    def replica_settings(self) -> ReplicaSettings:
        """These settings, by what they are about."""
        return ReplicaSettings(
            ejection=EjectionSettings(
                failure_count=self.ejection_failure_count,
                base_s=self.ejection_base_s,
                max_s=self.ejection_max_s,
                max_share=self.max_ejection_share,
            ),
            retry=RetrySettings(
                max_attempts=self.max_attempts,
                share=self.retry_share,
                max_wait_s=self.retry_max_wait_s,
            ),
            hedge=HedgeSettings(share=self.hedge_share, min_delay_s=self.hedge_min_delay_ms / 1000),
        )
