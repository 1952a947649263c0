"""Autoscaling by the CPU that pods use, as metrics-server measures it."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.figures import outcome, since
from tests.cluster.release import settled, upgrade
from tests.cluster.scenario import NAMESPACE, TOKEN

if TYPE_CHECKING:
    from tests.cluster.caller import Caller
    from tests.cluster.cluster import Cluster
    from tests.cluster.figures import Figures

pytestmark = pytest.mark.timeout(1200)
SCALED = ("scorer", "router")
LEAST, MOST = 2, 3
PERCENT = 70
CALLERS = 8
FEW_STREAMS = 4
AUTOSCALING: dict[str, Any] = {
    "enabled": True,
    "minReplicas": LEAST,
    "maxReplicas": MOST,
    "cpuUtilizationPercent": PERCENT,
    # Five minutes and a quarter of the pods each minute by default.
    "behavior": {
        "scaleDown": {
            "stabilizationWindowSeconds": 15,
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
        }
    },
}


def have(cluster: Cluster, count: int) -> bool:
    """Returns whether every scaled service has that many pods, all ready."""
    return all(settled(cluster, NAMESPACE, component, count) for component in SCALED)


def percents(cluster: Cluster) -> list[int]:
    """Returns how much of the requested CPU each service uses, as its autoscaler read it."""
    path = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers"
    statuses = (found["status"] for found in cluster.api.list(path))
    metrics = (each for status in statuses for each in status.get("currentMetrics") or [])
    return [
        each["resource"]["current"]["averageUtilization"]
        for each in metrics
        if "averageUtilization" in each.get("resource", {}).get("current", {})
    ]


def is_quiet(cluster: Cluster) -> bool:
    """Returns whether the autoscalers know the use of two pods each, and see no need of more."""
    found = percents(cluster)
    return have(cluster, LEAST) and len(found) == len(SCALED) and max(found) < PERCENT


def test_autoscalers_follow_the_cpu_that_pods_use(
    cluster: Cluster, caller: Caller, figures: Figures
) -> None:
    upgrade(cluster, NAMESPACE, {name: {"autoscaling": AUTOSCALING} for name in SCALED})
    try:
        cluster.wait(partial(is_quiet, cluster), 300)
        with caller.streaming(FEW_STREAMS, TOKEN) as streams:
            with caller.asking_for_plans(CALLERS, TOKEN) as asked:
                start_s = time.monotonic()
                cluster.wait(partial(have, cluster, MOST), 300)
                out_s = since(start_s)
            start_s = time.monotonic()
            cluster.wait(partial(have, cluster, LEAST), 300)
            in_s = since(start_s)
    finally:
        upgrade(cluster, NAMESPACE, {name: {"autoscaling": {"enabled": False}} for name in SCALED})
    plans = f"{asked['plans']} plans, {asked['failed']} failed"
    figures.add("load, until autoscalers have made three scorers and routers of two", out_s, plans)
    figures.add("the load gone, until there are two of each again", in_s, outcome(streams))
    assert streams.broken == {}
    assert asked["failed"] == 0
