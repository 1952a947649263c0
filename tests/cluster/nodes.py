"""The nodes of the cluster: names, addresses, and the folders of each."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

STATE = Path(tempfile.gettempdir()) / "routemoa-cluster"
"""Everything but sockets."""
RUN = Path("/run/routemoa-cluster")
"""State of containerd; paths of sockets are short."""
CGROUP = "routemoa-cluster"
"""The cgroup of all pods, in every hierarchy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node: a network namespace with a containerd, a kubelet and a kube-proxy of its own."""

    name: str
    zone: str
    address: str
    gateway: str
    """Where packets go that are for no pod of the node."""
    pod_addresses: str
    """The first three numbers of the addresses of its pods."""

    @property
    def network(self) -> str:
        """The network namespace: every port, address and rule of the node is in it."""
        return f"routemoa-{self.name}"

    @property
    def state(self) -> Path:
        """The folder of all that the node keeps."""
        return STATE / self.name

    @property
    def run(self) -> Path:
        """The folder of containerd's sockets and mounts."""
        return RUN / self.name

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return self.run / "containerd.sock"

    @property
    def cgroup(self) -> str:
        """The cgroup of its pods, without a leading slash."""
        return f"{CGROUP}/{self.name}"

    @property
    def pods(self) -> str:
        """The addresses of its pods, as a CIDR."""
        return f"{self.pod_addresses}.0/24"


HOST_ADDRESS = "10.99.0.1"
FIRST = Node(
    name="node-a",
    zone="a",
    address="10.99.0.2",
    gateway=HOST_ADDRESS,
    pod_addresses="10.99.64",
)
"""The control plane runs in its network."""
SECOND = Node(
    name="node-b",
    zone="b",
    address="10.99.0.6",
    gateway="10.99.0.5",
    pod_addresses="10.99.65",
)
NODES = (FIRST, SECOND)
ALL_PODS = "10.99.64.0/23"


def within(*command: str, node: Node = FIRST) -> list[str]:
    """Returns a command that runs in a node's network; /sys stays as it is, for cgroups."""
    return ["nsenter", f"--net=/run/netns/{node.network}", *command]
