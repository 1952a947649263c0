"""The chart's release in the cluster: installs it and looks at its pods."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.chart.chart import CHART, COMPONENTS

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

NAME = "routemoa"
INSTANCE = f"app.kubernetes.io/instance={NAME}"
COMPONENT = "app.kubernetes.io/component"
KINDS = (
    "deployments,replicasets,pods,services,endpointslices,configmaps,secrets,serviceaccounts,"
    "poddisruptionbudgets,horizontalpodautoscalers,networkpolicies"
)
TIMEOUT = "10m"


def create_namespace(cluster: Cluster, name: str) -> None:
    """Makes a namespace that admits restricted pods only, and is removed with the cluster."""
    labels = {
        "routemoa.test": "true",
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    metadata = {"name": name, "labels": labels}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def helm(cluster: Cluster, *arguments: str, values: dict[str, Any] | None = None) -> str:
    """Runs helm; values come from its input."""
    given = ("--values=-",) if values is not None else ()
    return cluster.run("helm", *arguments, *given, stdin=json.dumps(values))


def upgrade(cluster: Cluster, namespace: str, values: dict[str, Any], *, wait: bool = True) -> None:
    """Installs the chart or changes some values; returns once all pods have been replaced."""
    waiting = ("--wait", f"--timeout={TIMEOUT}") if wait else ()
    command = ("upgrade", "--install", "--reuse-values", NAME, str(CHART))
    helm(cluster, *command, f"--namespace={namespace}", *waiting, values=values)


def pods(cluster: Cluster, namespace: str, component: str) -> list[dict[str, Any]]:
    """Returns the pods of a component that are not going."""
    found = all_pods(cluster, namespace)
    return [pod for pod in found if pod["metadata"]["labels"][COMPONENT] == component]


def all_pods(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    """Returns the pods of all components that are not going."""
    found = cluster.api.list(f"/api/v1/namespaces/{namespace}/pods", labelSelector=INSTANCE)
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def names(listed: list[dict[str, Any]]) -> set[str]:
    """Returns the names of objects."""
    return {each["metadata"]["name"] for each in listed}


def is_ready(pod: dict[str, Any]) -> bool:
    """Returns whether a pod is ready."""
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def restarts(pod: dict[str, Any]) -> int:
    """Returns how often the container of a pod was started again."""
    count: int = pod["status"]["containerStatuses"][0]["restartCount"]
    return count


def settled(cluster: Cluster, namespace: str, component: str, count: int = 2) -> bool:
    """Returns whether that many pods are there, and all are ready."""
    found = pods(cluster, namespace, component)
    return len(found) == count and all(map(is_ready, found))


def all_settled(cluster: Cluster, namespace: str) -> bool:
    """Returns whether every component has its two pods."""
    found = all_pods(cluster, namespace)
    counts = Counter(pod["metadata"]["labels"][COMPONENT] for pod in found)
    return counts == dict.fromkeys(COMPONENTS, 2) and all(map(is_ready, found))


def what_is_left(cluster: Cluster, namespace: str) -> list[str]:
    """Returns what a release has in the cluster."""
    where = (f"--namespace={namespace}", f"--selector={INSTANCE}", "--output=name")
    return cluster.run("kubectl", "get", KINDS, *where).split()
