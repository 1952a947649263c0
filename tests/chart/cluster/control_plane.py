"""A control plane of Kubernetes on loopback, and simulated nodes.

etcd -> API server -> controllers, scheduler, kwok. The binaries are real; kwok plays the kubelets, so
pods become ready without running. Objects alone need no more than the first two.
"""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import subprocess
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

START_S = 120.0
STOP_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running control plane."""

    binaries: Path
    helm: str
    kubeconfig: Path
    api_port: int
    """On loopback."""
    ca_file: Path
    """Vouches for the API server."""
    stop_api_server: Callable[[], None]
    start_api_server: Callable[[], None]
    """Where it was, with all that it knew; returns once it answers."""

    def run(self, command: str, *arguments: str, stdin: str | None = None) -> str:
        """Returns what helm or kubectl prints; an error of theirs fails the test."""
        done = self.attempt(command, *arguments, stdin=stdin)
        assert done.returncode == 0, f"{command} {arguments}: {done.stderr}"
        return done.stdout

    def attempt(
        self, command: str, *arguments: str, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs helm or kubectl, which may fail."""
        program = self.helm if command == "helm" else str(self.binaries / command)
        return subprocess.run(  # noqa: S603  # our tools
            [program, *arguments, "--kubeconfig", str(self.kubeconfig)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            input=stdin,
        )

    def get(self, *arguments: str) -> list[Any]:
        """Returns objects as `kubectl get` finds them."""
        items: list[Any] = json.loads(self.run("kubectl", "get", "-o", "json", *arguments))["items"]
        return items

    def wait(self, condition: Callable[[], bool], timeout_s: float = 60) -> None:
        """Waits until a condition holds; the test fails if it does not."""
        _wait(condition, timeout_s)


@contextmanager
def running_api_server(binaries: Path, helm: str, folder: Path) -> Iterator[Cluster]:
    """Starts etcd and an API server with their state in a folder; stops them when the block ends."""
    etcd, peer, api = (_free_port() for _ in range(3))
    kubeconfig = folder / "kubeconfig"
    _write_files(folder, kubeconfig, api, token=secrets.token_hex(16))

    def start() -> None:
        serving.enter_context(_api_server(binaries, folder, etcd, api))
        _wait(lambda: _ready(f"https://127.0.0.1:{api}/readyz"), START_S)

    with _etcd(binaries, folder, etcd, peer), ExitStack() as serving:
        start()
        yield Cluster(
            binaries=binaries,
            helm=helm,
            kubeconfig=kubeconfig,
            api_port=api,
            ca_file=folder / "apiserver.crt",
            stop_api_server=serving.close,
            start_api_server=start,
        )


@contextmanager
def running_cluster(binaries: Path, helm: str, folder: Path) -> Iterator[Cluster]:
    """Starts a whole control plane with its state in a folder; stops it when the block ends."""
    with ExitStack() as stack:
        cluster = stack.enter_context(running_api_server(binaries, helm, folder))
        kubeconfig = f"--kubeconfig={cluster.kubeconfig}"
        for name, options in {
            "kube-controller-manager": [
                "--leader-elect=false",
                f"--cert-dir={folder}",
                "--bind-address=127.0.0.1",
                f"--secure-port={_free_port()}",
                f"--service-account-private-key-file={folder / 'accounts.key'}",
            ],
            "kube-scheduler": [
                "--leader-elect=false",
                f"--cert-dir={folder}",
                "--bind-address=127.0.0.1",
                f"--secure-port={_free_port()}",
            ],
            "kwok": [
                "--manage-all-nodes=true",
                "--node-lease-duration-seconds=40",
                f"--config={binaries / 'stages.yaml'}",
            ],
        }.items():
            stack.enter_context(_process(binaries / name, [kubeconfig, *options], folder))
        _wait(lambda: _has_default_account(cluster), START_S)
        yield cluster


def _has_default_account(cluster: Cluster) -> bool:
    arguments = ("get", "serviceaccount", "default", "--namespace", "default")
    return cluster.attempt("kubectl", *arguments).returncode == 0


def _write_files(folder: Path, kubeconfig: Path, api: int, *, token: str) -> None:
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    key = str(folder / "accounts.key")
    subprocess.run(  # noqa: S603  # a fixed command
        ["openssl", "genrsa", "-out", key, "2048"],  # noqa: S607  # openssl of the path
        capture_output=True,
        check=True,
        timeout=30,
    )
    cluster = {"server": f"https://127.0.0.1:{api}", "insecure-skip-tls-verify": True}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }
    kubeconfig.write_text(json.dumps(content))


@contextmanager
def _etcd(binaries: Path, folder: Path, port: int, peer: int) -> Iterator[None]:
    client, own = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    options = [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={own}",
        f"--initial-advertise-peer-urls={own}",
        f"--initial-cluster=default={own}",
        "--unsafe-no-fsync",
    ]
    with _process(binaries / "etcd", options, folder):
        yield


@contextmanager
def _api_server(binaries: Path, folder: Path, etcd: int, port: int) -> Iterator[None]:
    key = folder / "accounts.key"
    options = [
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.96.0.0/16",
    ]
    with _process(binaries / "kube-apiserver", options, folder):
        yield


@contextmanager
def _process(program: Path, options: list[str], folder: Path) -> Iterator[None]:
    with (folder / f"{program.name}.log").open("wb") as log:
        command = [str(program), *options]
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)  # noqa: S603  # ours
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_S)


def _ready(url: str) -> bool:
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    try:
        # The API server of this test, on loopback, with a certificate that it made itself.
        with urllib.request.urlopen(url, context=trusting, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def _wait(condition: Callable[[], bool], timeout_s: float) -> None:
    until_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until_s, f"not so after {timeout_s} s"
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
