"""A real cluster of one node on this machine, in a network namespace of its own.

etcd -> API server -> controllers, scheduler, kubelet (containerd, runc, CNI), kube-proxy, network
policies, DNS. Nothing plays a part but the DNS server, which is ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.chart.chart import ROOT
from tests.cluster import state
from tests.cluster.api import Api
from tests.cluster.settings import (
    DNS_ADDRESS,
    KUBECONFIG,
    NODE,
    PAUSE,
    PKI,
    SERVICES,
    SOCKET,
    write_settings,
)
from tests.cluster.state import NODE_ADDRESS, STATE, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_S = 180.0
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
        _wait(condition, timeout_s)


@contextmanager
def running_cluster(binaries: Path, helm: str) -> Iterator[Cluster]:
    """Starts a cluster without pods; removes it and all that ran in it when the block ends."""
    state.remove()
    kernel = state.run("sysctl", *KERNEL_SETTINGS)
    try:
        write_settings()
        state.enter_network()
        state.make_cgroups()
        cluster = Cluster(binaries=binaries, helm=helm, api=Api(KUBECONFIG))
        _start_node(binaries)
        _start_control_plane(cluster)
        _start_kubelet(cluster)
        yield cluster
        _delete_pods(cluster)
    finally:
        state.remove()
        for line in kernel.splitlines():
            state.run("sysctl", "-qw", line.replace(" ", ""))


def containerd(*arguments: str) -> list[str]:
    """Returns a command of containerd's client."""
    return ["ctr", f"--address={SOCKET}", "--namespace=k8s.io", *arguments]


def _start_node(binaries: Path) -> None:
    """Starts containerd and DNS, and loads the image that holds a pod's network."""
    start_daemon("containerd", "containerd", "--config", f"{STATE}/containerd.toml")
    _wait(lambda: state.attempt(*containerd("version")).returncode == 0, START_S)
    source = Path(__file__).parent / "pause.c"
    state.run("gcc", "-static", "-O2", "-o", f"{STATE}/pause", str(source))
    container = state.run("buildah", "from", "scratch").strip()
    state.run("buildah", "add", "--quiet", container, f"{STATE}/pause", "/pause")
    state.run("buildah", "config", "--entrypoint", '["/pause"]', container)
    state.run("buildah", "commit", "--quiet", "--rm", container, PAUSE)
    load_image(PAUSE, PAUSE)
    state.run(*within("ip", "addr", "add", f"{DNS_ADDRESS}/32", "dev", "lo"))


def load_image(image: str, name: str) -> None:
    """Takes an image out of buildah's store into the cluster's, under a name."""
    archive = f"{STATE}/image.tar"
    state.run("buildah", "push", "--quiet", image, f"docker-archive:{archive}:{name}")
    state.run(*containerd("images", "import", archive), timeout_s=300)
    Path(archive).unlink()


def _start_control_plane(cluster: Cluster) -> None:
    bin_ = cluster.binaries
    store, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
    start_daemon(
        "etcd",
        f"{bin_}/etcd",
        f"--data-dir={STATE}/etcd",
        f"--listen-client-urls={store}",
        f"--advertise-client-urls={store}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
    )
    start_daemon(
        "kube-apiserver",
        f"{bin_}/kube-apiserver",
        f"--etcd-servers={store}",
        f"--advertise-address={NODE_ADDRESS}",
        f"--cert-dir={PKI}",
        f"--tls-cert-file={PKI}/api.crt",
        f"--tls-private-key-file={PKI}/api.key",
        f"--token-auth-file={PKI}/tokens.csv",
        "--authorization-mode=RBAC",
        "--allow-privileged",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={PKI}/accounts.key",
        f"--service-account-signing-key-file={PKI}/accounts.key",
        f"--service-cluster-ip-range={SERVICES}",
        "--kubelet-preferred-address-types=InternalIP",
    )
    _wait(partial(answers, cluster.api, "/readyz"), START_S)
    start_daemon(
        "kube-controller-manager",
        f"{bin_}/kube-controller-manager",
        f"--kubeconfig={KUBECONFIG}",
        "--leader-elect=false",
        f"--cert-dir={PKI}",
        "--bind-address=127.0.0.1",
        f"--service-account-private-key-file={PKI}/accounts.key",
        f"--root-ca-file={PKI}/ca.crt",
    )
    start_daemon(
        "kube-scheduler",
        f"{bin_}/kube-scheduler",
        f"--kubeconfig={KUBECONFIG}",
        "--leader-elect=false",
        f"--cert-dir={PKI}",
        "--bind-address=127.0.0.1",
    )


def _start_kubelet(cluster: Cluster) -> None:
    """Starts what belongs to a node; returns once it is ready for pods."""
    bin_ = cluster.binaries
    start_daemon(
        "kubelet",
        f"{bin_}/kubelet",
        f"--config={STATE}/kubelet.yaml",
        f"--kubeconfig={KUBECONFIG}",
        f"--root-dir={STATE}/kubelet",
        f"--cert-dir={PKI}/kubelet",
        f"--hostname-override={NODE}",
        f"--node-ip={NODE_ADDRESS}",
        "--node-labels=topology.kubernetes.io/zone=a",
    )
    start_daemon("kube-proxy", f"{bin_}/kube-proxy", f"--config={STATE}/kube-proxy.yaml")
    dns = (sys.executable, "-u", "-m", "tests.cluster.dns")
    start_daemon("dns", *dns, DNS_ADDRESS, str(KUBECONFIG))
    _wait(partial(answers, cluster.api, f"/api/v1/nodes/{NODE}"), START_S)
    cluster.run("kubectl", "wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=120s")
    start_daemon(
        "network-policies",
        f"{bin_}/network-policies",
        f"--kubeconfig={KUBECONFIG}",
        f"--node={NODE}",
        f"--service-cluster-ip-range={SERVICES}",
    )
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    _wait(partial(answers, cluster.api, account), START_S)


def _delete_pods(cluster: Cluster) -> None:
    """Has the kubelet remove all pods, with their networks and mounts."""
    cluster.run("kubectl", "delete", "namespace", "--selector=routemoa.test", "--timeout=200s")
    listed = containerd("containers", "list", "--quiet")
    _wait(lambda: not state.attempt(*listed).stdout.strip(), START_S)


_DAEMONS: list[subprocess.Popen[bytes]] = []
"""Kept, since one that is collected while it runs is reported as a leak."""


def start_daemon(name: str, *command: str) -> None:
    """Starts a process in the cluster's network, whose id is kept and whose output is a log."""
    with (STATE / "log" / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # our own commands
            within(*command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=ROOT,
        )
    _DAEMONS.append(process)
    (STATE / "pids" / name).write_text(str(process.pid))


def answers(api: Api, path: str) -> bool:
    """Returns whether the API server has something at a path."""
    try:
        api.ask(path)
    except OSError:
        return False
    return True


def _wait(condition: Callable[[], object], timeout_s: float) -> None:
    until_s = time.monotonic() + timeout_s * max(1.0, os.getloadavg()[0] / 8)
    while not condition():
        assert time.monotonic() < until_s, f"not so after {timeout_s} s"
        time.sleep(0.5)
