"""Starts what belongs to a node."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.cluster import state
from tests.cluster.daemons import start_daemon, wait
from tests.cluster.images import containerd
from tests.cluster.nodes import Node, within
from tests.cluster.settings import DNS_ADDRESS, KUBECONFIG, PKI, SERVICES

if TYPE_CHECKING:
    from pathlib import Path


def start_containerd(binaries: Path, node: Node) -> None:
    """Starts containerd; returns once it answers."""
    program = (f"{binaries}/containerd", "--config", f"{node.state}/containerd.toml")
    start_daemon("containerd", *program, node=node)
    version = containerd(binaries, node, "version")
    wait(lambda: state.attempt(*version).returncode == 0)


def start_kubelet(binaries: Path, node: Node) -> None:
    """Starts DNS, kubelet and kube-proxy; the node is ready some time later."""
    state.run(*within("ip", "addr", "add", f"{DNS_ADDRESS}/32", "dev", "lo", node=node))
    dns = (sys.executable, "-u", "-m", "tests.cluster.dns", DNS_ADDRESS, str(KUBECONFIG))
    start_daemon("dns", *dns, node=node)
    start_daemon(
        "kubelet",
        f"{binaries}/kubelet",
        f"--config={node.state}/kubelet.yaml",
        f"--kubeconfig={KUBECONFIG}",
        f"--root-dir={node.state}/kubelet",
        f"--cert-dir={PKI}/{node.name}",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
        f"--node-labels=topology.kubernetes.io/zone={node.zone}",
        node=node,
    )
    proxy = (f"{binaries}/kube-proxy", f"--config={node.state}/kube-proxy.yaml")
    start_daemon("kube-proxy", *proxy, node=node)


def start_network_policies(binaries: Path, node: Node) -> None:
    """Starts what enforces network policies on a node that is ready."""
    start_daemon(
        "network-policies",
        f"{binaries}/network-policies",
        f"--kubeconfig={KUBECONFIG}",
        f"--node={node.name}",
        f"--service-cluster-ip-range={SERVICES}",
        node=node,
    )
