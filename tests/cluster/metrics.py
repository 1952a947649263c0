"""metrics-server, which asks the kubelets what CPU and memory pods use, for autoscalers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cluster.daemons import start_daemon
from tests.cluster.nodes import FIRST
from tests.cluster.settings import KUBECONFIG, PKI

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

NAME, NAMESPACE = "metrics-server", "kube-system"
PORT = 4443
RESOLUTION_S = 10
"""Between two readings; the least that metrics-server takes."""
WHERE: dict[str, Any] = {"name": NAME, "namespace": NAMESPACE}
PORTS = [{"name": "https", "port": PORT, "protocol": "TCP"}]
OBJECTS: tuple[dict[str, Any], ...] = (
    {"apiVersion": "v1", "kind": "Service", "metadata": WHERE, "spec": {"ports": PORTS}},
    {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": WHERE | {"labels": {"kubernetes.io/service-name": NAME}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [FIRST.address]}],
        "ports": PORTS,
    },
    {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "service": WHERE | {"port": PORT},
            "insecureSkipTLSVerify": True,
        },
    },
)


def start_metrics(cluster: Cluster) -> None:
    """Starts it beside the control plane; returns once the API server hands calls on to it."""
    start_daemon(
        NAME,
        f"{cluster.binaries}/metrics-server",
        f"--kubeconfig={KUBECONFIG}",
        f"--authentication-kubeconfig={KUBECONFIG}",
        f"--authorization-kubeconfig={KUBECONFIG}",
        f"--cert-dir={PKI}/{NAME}",
        f"--secure-port={PORT}",
        f"--metric-resolution={RESOLUTION_S}s",
        f"--kubelet-request-timeout={RESOLUTION_S - 2}s",
        "--kubelet-insecure-tls",
        "--kubelet-preferred-address-types=InternalIP",
    )
    cluster.apply(*OBJECTS)
    service = ("apiservice/v1beta1.metrics.k8s.io", "--timeout=180s")
    cluster.run("kubectl", "wait", "--for=condition=Available", *service)
