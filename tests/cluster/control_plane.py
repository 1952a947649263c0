"""Starts etcd, the API server, the controllers and the scheduler, on the first node."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.cluster.daemons import answers, start_daemon, wait
from tests.cluster.nodes import FIRST, STATE
from tests.cluster.settings import KUBECONFIG, PKI, PROXY, SERVICES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.api import Api

STORE, PEER = "http://127.0.0.1:2379", "http://127.0.0.1:2380"


def start_control_plane(binaries: Path, api: Api) -> None:
    """Starts all of it; returns once the API server is ready."""
    start_daemon(
        "etcd",
        f"{binaries}/etcd",
        f"--data-dir={STATE}/etcd",
        f"--listen-client-urls={STORE}",
        f"--advertise-client-urls={STORE}",
        f"--listen-peer-urls={PEER}",
        f"--initial-advertise-peer-urls={PEER}",
        f"--initial-cluster=default={PEER}",
        "--unsafe-no-fsync",
    )
    _start_api_server(binaries)
    wait(partial(answers, api, "/readyz"))
    common = (
        f"--kubeconfig={KUBECONFIG}",
        "--leader-elect=false",
        f"--cert-dir={PKI}",
        "--bind-address=127.0.0.1",
    )
    start_daemon(
        "kube-controller-manager",
        f"{binaries}/kube-controller-manager",
        *common,
        f"--service-account-private-key-file={PKI}/accounts.key",
        f"--root-ca-file={PKI}/ca.crt",
    )
    start_daemon("kube-scheduler", f"{binaries}/kube-scheduler", *common)


def _start_api_server(binaries: Path) -> None:
    start_daemon(
        "kube-apiserver",
        f"{binaries}/kube-apiserver",
        f"--etcd-servers={STORE}",
        f"--advertise-address={FIRST.address}",
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
        f"--proxy-client-cert-file={PKI}/proxy.crt",
        f"--proxy-client-key-file={PKI}/proxy.key",
        f"--requestheader-client-ca-file={PKI}/ca.crt",
        f"--requestheader-allowed-names={PROXY}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    )
