"""The chart in a real control plane. `make test-chart-cluster` sets ROUTEMOA_CLUSTER_BINARIES.

The tests follow one another: what a test installs, it removes.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.chart.chart import (
    CHART,
    COMPONENTS,
    NAMESPACE,
    TOOLS,
    scenarios,
    tool,
    values_files,
    values_options,
)
from tests.chart.cluster.control_plane import Cluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RESTRICTED = ("enforce", "warn", "audit")
ZONES = "abc"
INSTANCE = "app.kubernetes.io/instance=routemoa"
KINDS = (
    "deployments,replicasets,pods,services,endpointslices,configmaps,secrets,serviceaccounts,"
    "poddisruptionbudgets,horizontalpodautoscalers,networkpolicies,ingresses,"
    "servicemonitors,podmonitors,prometheusrules,scaledobjects,certificates,externalsecrets,grpcroutes,"
    "httproutes"
)


@contextmanager
def timed(what: str) -> Iterator[None]:
    start_s = time.monotonic()
    yield
    sys.stdout.write(f"\n  {what}: {time.monotonic() - start_s:.1f} s")


def node(name: str, zone: str, *, gpu: bool = False) -> dict[str, Any]:
    labels = {
        "kubernetes.io/hostname": name,
        "topology.kubernetes.io/zone": zone,
    } | ({"nvidia.com/gpu.present": "true"} if gpu else {})
    room = {"cpu": "16", "memory": "64Gi", "pods": "100", "ephemeral-storage": "100Gi"}
    room |= {"nvidia.com/gpu": "2"} if gpu else {}
    taint = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": [taint] if gpu else []},
        "status": {"allocatable": room, "capacity": room},
    }


@pytest.fixture(scope="module")
def cluster(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    start_s = time.monotonic()
    with running_cluster(binaries, tool("helm"), tmp_path_factory.mktemp("cluster")) as running:
        running.run("kubectl", "create", "--filename", str(TOOLS / "crds"))
        nodes = [node(f"node-{zone}", zone) for zone in ZONES]
        nodes += [node(f"gpu-{zone}", zone, gpu=True) for zone in "ab"]
        listed = {"apiVersion": "v1", "kind": "List", "items": nodes}
        running.run("kubectl", "create", "--filename", "-", stdin=json.dumps(listed))
        running.run("kubectl", "create", "namespace", NAMESPACE)
        # To which the scenario of replicas gives the router rights.
        running.run("kubectl", "create", "namespace", "models")
        labels = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in RESTRICTED]
        running.run("kubectl", "label", "namespace", NAMESPACE, *labels)
        sys.stdout.write(f"\n  control plane ready: {time.monotonic() - start_s:.1f} s")
        yield running


def helm(cluster: Cluster, verb: str, scenario: str, *sets: str) -> str:
    files = values_options(*values_files(scenario))
    # Nobody calls these pods, so none has to wait until it is found.
    sets += tuple(f"{component}.rollout.minReadySeconds=0" for component in COMPONENTS)
    changes = [argument for change in sets for argument in ("--set-json", change)]
    where = ["--namespace", NAMESPACE, "--wait", "--timeout", "3m"]
    return cluster.run("helm", verb, "routemoa", str(CHART), *where, *files, *changes)


@contextmanager
def installed(cluster: Cluster, scenario: str, *sets: str) -> Iterator[None]:
    with timed(f"install --wait, {scenario}"):
        output = helm(cluster, "install", scenario, *sets)
    assert "would violate PodSecurity" not in output
    try:
        yield
    finally:
        with timed("uninstall --wait"):
            where = ("--namespace", NAMESPACE, "--wait", "--timeout", "3m")
            cluster.run("helm", "uninstall", "routemoa", *where)


def pods(cluster: Cluster, component: str) -> dict[str, Any]:
    selector = f"{INSTANCE},app.kubernetes.io/component={component}"
    found = cluster.get("pods", "--namespace", NAMESPACE, "--selector", selector)
    return {pod["metadata"]["name"]: pod for pod in found if not gone(pod)}


def gone(pod: Any) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def is_ready(pod: Any) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def settled(cluster: Cluster, component: str, count: int) -> bool:
    found = pods(cluster, component)
    return len(found) == count and all(is_ready(pod) for pod in found.values())


def endpoints_behind(cluster: Cluster, service: str) -> int:
    selector = f"kubernetes.io/service-name={service}"
    slices = cluster.get("endpointslices", "--namespace", NAMESPACE, "--selector", selector)
    return sum(len(item["endpoints"] or []) for item in slices)


def has_two_endpoints(cluster: Cluster, service: str) -> bool:
    return endpoints_behind(cluster, service) == 2


def what_is_left(cluster: Cluster) -> list[str]:
    left = cluster.run("kubectl", "get", KINDS, "--namespace", NAMESPACE, "--output", "name")
    ours = [name for name in left.split() if "kube-root-ca.crt" not in name]
    return [name for name in ours if not name.endswith("serviceaccount/default")]


def test_the_chart_installs_and_uninstalling_leaves_nothing(cluster: Cluster) -> None:
    with installed(cluster, "default"):
        for component in COMPONENTS:
            assert settled(cluster, component, 2)
            zones = [pod["spec"]["nodeName"] for pod in pods(cluster, component).values()]
            assert len(set(zones)) == 2, "pods of a component are on different nodes"
        # The controller of endpoints follows the pods' readiness in its own time.
        for service in ("routemoa-scorer-headless", "routemoa-gateway"):
            cluster.wait(partial(has_two_endpoints, cluster, service))
    cluster.wait(lambda: not what_is_left(cluster))


@pytest.mark.parametrize("scenario", scenarios())
def test_every_object_of_a_scenario_is_accepted_by_the_api_server(
    cluster: Cluster, scenario: str
) -> None:
    files = values_options(*values_files(scenario))
    text = cluster.run("helm", "template", "routemoa", str(CHART), "-n", NAMESPACE, *files)
    options = ("--dry-run=server", "--validate=strict", "--filename", "-")
    output = cluster.attempt("kubectl", "apply", *options, stdin=text)
    assert output.returncode == 0, output.stderr
    assert "Warning" not in output.stderr


def test_a_secret_that_is_missing_is_told_before_anything_is_applied(cluster: Cluster) -> None:
    files = values_options(*values_files("tls"))
    where = ("--namespace", NAMESPACE)
    done = cluster.attempt("helm", "install", "routemoa", str(CHART), *where, *files)
    assert done.returncode != 0
    own = tuple(f"routemoa-{component}-tls" for component in ("router", "judge", "gateway"))
    for secret in ("our-scorer-certificate", *own):
        assert f"the Secret {secret} is not in the namespace {NAMESPACE}" in done.stderr
    assert what_is_left(cluster) == []


def test_a_secret_without_a_key_that_is_read_is_told_before_anything_is_applied(
    cluster: Cluster,
) -> None:
    where = ("--namespace", NAMESPACE)
    # As `kubectl create secret tls` makes it, without a CA; and a key of another name.
    given = {
        "our-scorer-certificate": ("tls.crt", "tls.key"),
        "routemoa-router-tls": ("tls.crt", "tls.key", "ca.crt"),
        "routemoa-judge-tls": ("tls.crt", "tls.key", "ca.crt"),
        "routemoa-gateway-tls": ("tls.crt", "tls.key", "ca.crt"),
        "openrouter": ("token",),
    }
    for name, keys in given.items():
        literals = [f"--from-literal={key}=x" for key in keys]
        cluster.run("kubectl", "create", "secret", "generic", name, *where, *literals)
    files = values_options(*values_files("secrets"), *values_files("tls")[1:])
    done = cluster.attempt("helm", "install", "routemoa", str(CHART), *where, *files)
    assert done.returncode != 0
    assert done.stderr.count("\n  - ") == 2
    assert "the Secret our-scorer-certificate has no key ca.crt" in done.stderr
    assert "the Secret openrouter has no key key" in done.stderr
    cluster.run("kubectl", "delete", "secret", *given, *where)
    assert what_is_left(cluster) == []


def test_a_changed_setting_rolls_pods_a_changed_pool_does_not_and_rollback_undoes_it(
    cluster: Cluster,
) -> None:
    with installed(cluster, "default"):
        first = pods(cluster, "router").keys()
        with timed("upgrade --wait, a changed pool"):
            helm(cluster, "upgrade", "default", 'router.pool.aggregator="small"')
        assert pods(cluster, "router").keys() == first
        config = cluster.run(
            *("kubectl", "get", "configmap", "routemoa-pool", "-n", NAMESPACE, "-o", "json")
        )
        assert '\\"aggregator\\": \\"small\\"' in config
        with timed("upgrade --wait, a changed setting"):
            helm(cluster, "upgrade", "default", "router.config.policy_max_layer_count=4")
        cluster.wait(lambda: settled(cluster, "router", 2))
        assert not pods(cluster, "router").keys() & first
        assert settled(cluster, "scorer", 2)
        with timed("rollback --wait"):
            where = ("--namespace", NAMESPACE, "--wait", "--timeout", "3m")
            cluster.run("helm", "rollback", "routemoa", "1", *where)
        environment = cluster.run(
            *("kubectl", "get", "configmap", "routemoa-router", "-n", NAMESPACE, "-o", "json")
        )
        assert "MAX_LAYER_COUNT" not in environment


def test_a_changed_setting_of_the_gateway_rolls_its_pods_alone(cluster: Cluster) -> None:
    with installed(cluster, "default"):
        before = {component: pods(cluster, component).keys() for component in COMPONENTS}
        with timed("upgrade --wait, a changed setting of the gateway"):
            change = 'gateway.config.cors_origins=["https://chat.example.com"]'
            helm(cluster, "upgrade", "default", change)
        cluster.wait(lambda: settled(cluster, "gateway", 2))
        assert not pods(cluster, "gateway").keys() & before["gateway"]
        for component in ("scorer", "router", "judge"):
            assert pods(cluster, component).keys() == before[component]


def test_routes_from_outside_are_installed_with_what_they_lead_to(cluster: Cluster) -> None:
    with installed(cluster, "gateway"):
        assert settled(cluster, "gateway", 2)
        kinds = "httproutes,grpcroutes"
        listed = cluster.run("kubectl", "get", kinds, "-n", NAMESPACE, "-o", "name").split()
        assert len(listed) == 2
    cluster.wait(lambda: not what_is_left(cluster))


def test_a_drain_respects_the_disruption_budget(cluster: Cluster) -> None:
    with installed(cluster, "default", "judge.replicas=3"):
        before = pods(cluster, "judge")
        nodes = [pod["spec"]["nodeName"] for pod in before.values()]
        cluster.run("kubectl", "cordon", *(f"node-{zone}" for zone in ZONES))
        drain = ("drain", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=8s")
        chosen = f"--pod-selector={INSTANCE},app.kubernetes.io/component=judge"
        first = cluster.attempt("kubectl", *drain, chosen, nodes[0])
        # Its replacement finds no node, so the budget of one pod is used up.
        second = cluster.attempt("kubectl", *drain, chosen, nodes[1])
        assert first.returncode == 0, first.stderr
        assert second.returncode != 0
        assert "violate the pod's disruption budget" in second.stderr
        assert sum(is_ready(pod) for pod in pods(cluster, "judge").values()) == 2
        cluster.run("kubectl", "uncordon", *(f"node-{zone}" for zone in ZONES))
        cluster.wait(lambda: settled(cluster, "judge", 3))
        with timed("drain of a node, replacements find room"):
            cluster.run("kubectl", *drain[:3], "--timeout=60s", chosen, nodes[1])
        cluster.run("kubectl", "uncordon", nodes[1])
        cluster.wait(lambda: settled(cluster, "judge", 3))


def test_more_pods_spread_over_the_nodes(cluster: Cluster) -> None:
    with installed(cluster, "default"):
        with timed("scale from 2 to 9 pods"):
            where = ("--namespace", NAMESPACE)
            cluster.run("kubectl", "scale", "deployment/routemoa-judge", "--replicas=9", *where)
            cluster.wait(lambda: settled(cluster, "judge", 9))
        nodes = Counter(pod["spec"]["nodeName"] for pod in pods(cluster, "judge").values())
        assert set(nodes.values()) == {3}


def test_high_availability_installs_with_its_monitors_and_autoscalers(cluster: Cluster) -> None:
    secret = ("create", "secret", "generic", "registry", "--namespace", NAMESPACE)
    cluster.run("kubectl", *secret)
    cluster.run("kubectl", "create", "priorityclass", "serving", "--value=1000")
    with installed(cluster, "ha"):
        with timed("the autoscalers raise one pod to three"):
            for component in COMPONENTS:
                cluster.wait(partial(settled, cluster, component, 3))
        for component in COMPONENTS:
            found = pods(cluster, component).values()
            assert {pod["spec"]["nodeName"] for pod in found} == {f"node-{z}" for z in ZONES}
        kinds = "servicemonitors,prometheusrules,horizontalpodautoscalers"
        listed = cluster.run("kubectl", "get", kinds, "-n", NAMESPACE, "-o", "name").split()
        assert len(listed) == len(COMPONENTS) + 1 + len(COMPONENTS)
    cluster.run("kubectl", "delete", "secret", "registry", "--namespace", NAMESPACE)
    cluster.wait(lambda: not what_is_left(cluster))


def test_gpu_scorers_go_to_gpu_nodes_and_nothing_else_does(cluster: Cluster) -> None:
    gpu = (
        "scorer.autoscaling.enabled=false",
        'scorer.gpu={"resourceName":"nvidia.com/gpu","runtimeClassName":""}',
    )
    with installed(cluster, "gpu", *gpu):
        places = {
            component: {pod["spec"]["nodeName"] for pod in pods(cluster, component).values()}
            for component in COMPONENTS
        }
        assert places.pop("scorer") == {"gpu-a", "gpu-b"}
        assert set().union(*places.values()) <= {f"node-{zone}" for zone in ZONES}
