"""Autoscaling by the CPU that pods use, as metrics-server measures it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.figures import outcome, since
from tests.cluster.release import settled, upgrade
from tests.cluster.scenario import NAMESPACE, STREAMS, TOKEN

if TYPE_CHECKING:
    from tests.cluster.caller import Caller
    from tests.cluster.cluster import Cluster
    from tests.cluster.figures import Figures

pytestmark = pytest.mark.timeout(1200)
SCALED = ("scorer", "router")
LEAST, MOST = 2, 3
CALLERS = 8
AUTOSCALING: dict[str, Any] = {
    "enabled": True,
    "minReplicas": LEAST,
    "maxReplicas": MOST,
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


def use_is_known(cluster: Cluster) -> bool:
    """Returns whether the autoscalers read what their pods use."""
    path = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers"
    scalers = cluster.api.list(path)
    conditions = (each for found in scalers for each in found["status"].get("conditions", []))
    active = [each for each in conditions if each["type"] == "ScalingActive"]
    return [each["status"] for each in active] == ["True"] * len(SCALED)


def test_autoscalers_follow_the_cpu_that_pods_use(
    cluster: Cluster, caller: Caller, figures: Figures
) -> None:
    upgrade(cluster, NAMESPACE, {name: {"autoscaling": AUTOSCALING} for name in SCALED})
    start_s = time.monotonic()
    try:
        cluster.wait(lambda: use_is_known(cluster) and have(cluster, LEAST), 300)
        figures.add("autoscalers read the CPU of scorers and routers", since(start_s))
        with caller.streaming(STREAMS, TOKEN) as streams:
            with caller.asking_for_plans(CALLERS, TOKEN) as asked:
                start_s = time.monotonic()
                cluster.wait(lambda: have(cluster, MOST), 300)
                out_s = since(start_s)
            start_s = time.monotonic()
            cluster.wait(lambda: have(cluster, LEAST), 300)
            in_s = since(start_s)
    finally:
        upgrade(cluster, NAMESPACE, {name: {"autoscaling": {"enabled": False}} for name in SCALED})
    shown = "load of plans, until scorers and routers are three each and ready"
    figures.add(shown, out_s, f"{asked['plans']} plans, {asked['failed']} failed")
    shown = "the load gone, until scorers and routers are two each"
    figures.add(shown, in_s, outcome(streams))
    assert streams.broken == {}
    assert asked["failed"] == 0
