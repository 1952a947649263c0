"""A real cluster of two nodes on this machine, each in a network namespace of its own.

etcd -> API server -> controllers, scheduler, metrics-server; on each node a kubelet (containerd,
runc, CNI), kube-proxy, network policies, DNS. Nothing plays a part but the DNS server, which is
ours.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.cluster import state
from tests.cluster.api import Api
from tests.cluster.control_plane import start_control_plane
from tests.cluster.daemons import answers, wait
from tests.cluster.images import containerd, load_pause_image
from tests.cluster.metrics import start_metrics
from tests.cluster.node_parts import start_containerd, start_kubelet, start_network_policies
from tests.cluster.nodes import NODES, within
from tests.cluster.settings import KUBECONFIG, write_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cluster.nodes import Node

KERNEL_SETTINGS = (
    "vm.overcommit_memory",
    "kernel.panic",
    "kernel.panic_on_oops",
    "vm.panic_on_oom",
)
"""The kubelet changes them; they are put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running cluster."""

    binaries: Path
    helm: str
    api: Api

    def run(self, command: str, *arguments: str, stdin: str | None = None) -> str:
        """Returns what helm or kubectl prints; an error of theirs fails the test."""
        done = self.attempt(command, *arguments, stdin=stdin)
        assert done.returncode == 0, f"{command} {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def attempt(
        self, command: str, *arguments: str, stdin: str | None = None, timeout_s: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Runs helm or kubectl, which may fail."""
        return subprocess.run(  # noqa: S603  # our tools
            self.command(command, *arguments),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            input=stdin,
        )

    def command(self, command: str, *arguments: str) -> list[str]:
        """Returns the whole command of helm or kubectl."""
        program = self.helm if command == "helm" else str(self.binaries / command)
        return within(program, f"--kubeconfig={KUBECONFIG}", *arguments)

    def apply(self, *objects: dict[str, Any]) -> None:
        """Creates or changes objects."""
        listed = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.run("kubectl", "apply", "--filename=-", stdin=json.dumps(listed))

    def wait(self, condition: Callable[[], object], timeout_s: float = 120) -> None:
        """Waits until a condition holds; the test fails if it does not."""
        wait(condition, timeout_s)


@contextmanager
def running_cluster(binaries: Path, helm: str) -> Iterator[Cluster]:
    """Starts a cluster without pods; removes it and all that ran in it when the block ends."""
    state.remove()
    kernel = state.run("sysctl", *KERNEL_SETTINGS)
    try:
        write_settings(binaries)
        state.enter_networks()
        state.make_cgroups()
        cluster = Cluster(binaries=binaries, helm=helm, api=Api(KUBECONFIG))
        _start(cluster)
        yield cluster
        _delete_pods(cluster)
    finally:
        state.remove()
        for line in kernel.splitlines():
            state.run("sysctl", "-qw", line.replace(" ", ""))


def _start(cluster: Cluster) -> None:
    """Starts everything; returns once both nodes are ready for pods, and their use is measured."""
    for node in NODES:
        start_containerd(cluster.binaries, node)
    load_pause_image(cluster.binaries)
    start_control_plane(cluster.binaries, cluster.api)
    for node in NODES:
        start_kubelet(cluster.binaries, node)
    for node in NODES:
        wait(partial(answers, cluster.api, f"/api/v1/nodes/{node.name}"))
    ready = ("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=180s")
    cluster.run("kubectl", *ready)
    for node in NODES:
        start_network_policies(cluster.binaries, node)
    start_metrics(cluster)
    wait(partial(answers, cluster.api, "/api/v1/namespaces/default/serviceaccounts/default"))


def _delete_pods(cluster: Cluster) -> None:
    """Has the kubelets remove all pods, with their networks and mounts."""
    cluster.run("kubectl", "delete", "namespace", "--selector=routemoa.test", "--timeout=200s")
    for node in NODES:
        wait(partial(_is_empty, cluster.binaries, node))


def _is_empty(binaries: Path, node: Node) -> bool:
    """Returns whether a node has no containers."""
    listed = containerd(binaries, node, "containers", "list", "--quiet")
    return not state.attempt(*listed).stdout.strip()
