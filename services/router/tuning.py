"""Constants of the router's algorithms that tests and benchmarks change; a deployment never does."""

from __future__ import annotations

from dataclasses import dataclass

from services.router.backends.replicas.config import IN_SERVICE, ReplicaTuning
from services.router.decision_records.record_store import DRAIN_TIMEOUT_S
from services.router.engine.engine import MIN_STAGE_S
from services.router.engine.patience import GRACE_SHARE
from services.router.types.deadline import DEADLINE_MARGIN_S
from services.rpc.breaker import FAILURE_LIMIT, OPEN_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The constants, each defined and explained where it is used."""

    replicas: ReplicaTuning = IN_SERVICE
    breaker_failure_limit: int = FAILURE_LIMIT
    breaker_open_s: float = OPEN_S
    deadline_margin_s: float = DEADLINE_MARGIN_S
    grace_share: float = GRACE_SHARE
    min_stage_s: float = MIN_STAGE_S
    records_drain_timeout_s: float = DRAIN_TIMEOUT_S


DEFAULT_TUNING = Tuning()
"""The constants as they are in service."""
