from __future__ import annotations

from typing import Any

import pytest

from tests.chart.chart import CHART, COMPONENTS, render, template


def metric_names(autoscaler: Any) -> dict[str, Any]:
    return {
        metric["pods"]["metric"]["name"]: metric["pods"]["target"]["averageValue"]
        for metric in autoscaler["spec"]["metrics"]
        if metric["type"] == "Pods"
    }


def test_without_autoscaling_the_deployment_says_how_many_pods() -> None:
    rendered = render()
    assert not rendered.all("HorizontalPodAutoscaler")
    assert not rendered.all("ScaledObject")


@pytest.mark.parametrize("component", COMPONENTS)
def test_an_autoscaler_holds_the_cpu_and_the_deployment_leaves_the_number_to_it(
    component: str,
) -> None:
    rendered = render("ha")
    assert "replicas" not in rendered.one("Deployment", component)["spec"]
    scaler = rendered.one("HorizontalPodAutoscaler", component)["spec"]
    assert scaler["scaleTargetRef"]["name"] == f"routemoa-{component}"
    assert scaler["minReplicas"] == 3
    [cpu] = scaler["metrics"]
    assert cpu["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}
    assert scaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300


def test_an_autoscaler_may_hold_the_queue_wait_and_the_calls_in_flight() -> None:
    rendered = render("gpu", "scorer.autoscaling.callsInFlight=64")
    scaler = rendered.one("HorizontalPodAutoscaler", "scorer")
    assert metric_names(scaler) == {
        "routemoa_calls_in_flight_count": "64",
        "routemoa_scorer_queue_wait_mean_seconds": "0.02",
    }
    assert "routemoa_scorer_queue_wait_mean_seconds" in rendered.text.partition("record: ")[2]


@pytest.mark.parametrize(
    "overlays",
    [("values-ha.yaml", "values-gpu.yaml"), ("values-gpu.yaml", "values-ha.yaml")],
)
def test_the_overlays_fit_together_in_either_order(overlays: tuple[str, ...]) -> None:
    rendered = template(*(CHART / name for name in ("ci/default-values.yaml", *overlays)))
    scaler = rendered.one("HorizontalPodAutoscaler", "scorer")
    assert scaler["spec"]["minReplicas"] == 3
    assert metric_names(scaler) == {"routemoa_scorer_queue_wait_mean_seconds": "0.02"}
    assert rendered.container("scorer")["resources"]["limits"]["nvidia.com/gpu"] == 1


@pytest.mark.parametrize("component", COMPONENTS)
def test_keda_scales_instead_of_an_autoscaler_of_ours(component: str) -> None:
    rendered = render("keda")
    assert not rendered.all("HorizontalPodAutoscaler")
    assert "replicas" not in rendered.one("Deployment", component)["spec"]
    scaled = rendered.one("ScaledObject", component)["spec"]
    cpu, calls = scaled["triggers"]
    assert cpu == {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}}
    assert calls["metadata"] == {
        "serverAddress": "http://prometheus.monitoring.svc:9090",
        "query": "sum(routemoa_calls_in_flight_count"
        f'{{namespace="ai",service="routemoa-{component}"}})',
        "threshold": "64",
    }


def test_keda_may_hold_the_queue_wait() -> None:
    [trigger] = render("gpu-shared").one("ScaledObject", "scorer")["spec"]["triggers"]
    assert trigger["metadata"]["threshold"] == "0.02"
    assert "routemoa_scorer_queue_wait_mean_seconds" in trigger["metadata"]["query"]
