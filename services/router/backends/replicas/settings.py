"""How far the router goes to have a call answered; the values come from the service's configuration."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class EjectionSettings:
    """When a replica is left alone."""

    failure_count: int = 3
    """Failures in a row after which it is."""
    base_s: float = 2.0
    """For how long, the first time; each further time in a row doubles it."""
    max_s: float = 60.0
    """For how long at most."""
    max_share: float = 0.75
    """Share of a model's replicas that may be left alone at a time, rounded down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """When a call that failed before its first text is tried on another replica."""

    max_attempts: int = 4
    """Attempts per call, the first one and hedges included."""
    share: float = 0.2
    """Retries of a model's calls, as a share of the calls of the last half minute."""
    max_wait_s: float = 2.0
    """Longest wait before a retry; a backend that asks for a longer one gets none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeSettings:
    """When a second replica is asked beside one that is slow to begin."""

    share: float = 0.05
    """Hedges of a model's calls, as a share of the calls of the last half minute; zero: none."""
    min_delay_s: float = 0.05
    """Least time that a replica gets to begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSettings:
    """All of them."""

    ejection: EjectionSettings = field(default_factory=EjectionSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)
    hedge: HedgeSettings = field(default_factory=HedgeSettings)
