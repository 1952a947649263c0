"""The settings and the constants of calls to a model's replicas."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

RETRY_SHARE = 0.2
"""Most retries of a model's calls, as a share of its calls in the last half minute."""


class ReplicaSettings(BaseModel):
    """The limits of extra attempts, which load the backends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hedge_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Most calls for which a second replica is asked because the first is slow to "
        "begin, as a share of the model's calls in the last half minute. 0: none.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EjectionSettings:
    """The rules of ejection: constants in service, of which tests shorten the times."""

    failure_count: int = 3
    """Failures in a row after which a replica is ejected: one may be chance; three cost three calls a
    retry each."""
    base_s: float = 2.0
    """Length of the first ejection; each further one in a row takes twice as long."""
    max_s: float = 60.0
    """Longest ejection: however long a replica was down, it gets calls a minute after its return."""
    max_share: float = 0.75
    """Largest share of a model's replicas, rounded down, that may be ejected at a time: where nearly
    all fail, calls still find one to try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaTuning:
    """Constants of the algorithms that tests, and the examination, change."""

    max_attempt_count: int = 4
    """Most attempts per call to a model, hedges included."""
    ejection: EjectionSettings = EjectionSettings()
    hedge_min_delay_s: float = 0.05
    """Least time that a replica, or a model, has to begin before another is asked. Short pauses of a
    process or a network are no sign of a slow replica."""


IN_SERVICE = ReplicaTuning()
"""The constants as they are in service."""
