"""Reads the health of replicas from the router's Prometheus metrics.

The metrics name no address of a replica, so neither does the page.
"""

from __future__ import annotations

import asyncio
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_S = 2.0
MAX_BYTES = 8 << 20
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(slots=True, kw_only=True)
class ReplicaHealth:
    """The replicas of one model, and the ends of the calls to it since the router started."""

    replicas: int = 0
    ejected: int = 0
    """Replicas that take no calls now because they failed."""
    calls: dict[str, int] = field(default_factory=dict)
    """Calls by their end, e.g. `ok`, `timeout`."""

    def as_json(self) -> dict[str, object]:
        """Returns it as the page reads it."""
        return {"replicas": self.replicas, "ejected": self.ejected, "calls": self.calls}


async def replica_health(metrics_url: str) -> Mapping[str, ReplicaHealth]:
    """Returns the health by model; empty if the metrics cannot be read."""
    try:
        return health_in(await asyncio.to_thread(_fetch, metrics_url))
    except (OSError, ValueError):
        return {}


def health_in(metrics: str) -> Mapping[str, ReplicaHealth]:
    """Returns the health by model in a page of metrics.

    Raises:
        ValueError: The text is no page of metrics.
    """
    found: dict[str, ReplicaHealth] = defaultdict(ReplicaHealth)
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            model = sample.labels.get("model_id", "")
            match sample.name:
                case "routemoa_router_replicas_count":
                    found[model].replicas = int(sample.value)
                case "routemoa_router_replicas_ejected_count":
                    found[model].ejected = int(sample.value)
                case "routemoa_router_model_calls_total":
                    found[model].calls[sample.labels.get("status", "")] = int(sample.value)
    return dict(found)


def _fetch(url: str) -> str:
    with _OPENER.open(url, timeout=TIMEOUT_S) as response:
        content: bytes = response.read(MAX_BYTES)
    return content.decode()
