"""The files that the programs of a cluster read."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import trustme

from tests.cluster.nodes import ALL_PODS, FIRST, NODES, STATE, Node
from tests.cluster.state import run

if TYPE_CHECKING:
    from pathlib import Path

SERVICES = "10.96.0.0/16"
DNS_ADDRESS = "169.254.20.10"
"""That of a node-local DNS cache, which the chart's network policies allow."""
PAUSE = "localhost/pause:1"
KUBECONFIG = STATE / "kubeconfig"
PKI = STATE / "pki"
PROXY = "front-proxy"
"""The name by which the API server hands calls on to metrics-server."""


def _containerd(node: Node, binaries: Path) -> str:
    return f"""
version = 3
root = "{node.state}/containerd"
state = "{node.run}/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{node.socket}"
[plugins."io.containerd.nri.v1.nri"]
  disable = true
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{PAUSE}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true  # root may lack CAP_SYS_RESOURCE
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "{node.state}/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    runtime_path = "{binaries}/containerd-shim-runc-v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def _pod_network(node: Node) -> dict[str, Any]:
    addresses = {
        "type": "host-local",
        "subnet": node.pods,
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": f"{node.state}/ipam",
    }
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _kubelet(node: Node) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup}",
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{node.socket}",
        "podLogsDir": f"{node.state}/pods",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{STATE}/resolv.conf",
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "200Mi", "nodefs.available": "2%"},
        "enforceNodeAllocatable": ["pods"],
        "syncFrequency": "10s",
    }


def _kube_proxy(node: Node) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(KUBECONFIG)},
        "clusterCIDR": ALL_PODS,
        "hostnameOverride": node.name,
        "conntrack": {"maxPerCore": 0},
    }


def write_settings(binaries: Path) -> None:
    """Writes all files of a new cluster, its keys and tokens among them."""
    for name in ("pids", "log", "pki"):
        (STATE / name).mkdir(parents=True)
    (STATE / "resolv.conf").touch()
    for node in NODES:
        (node.state / "cni").mkdir(parents=True)
        node.run.mkdir(parents=True)
        (node.state / "containerd.toml").write_text(_containerd(node, binaries))
        (node.state / "cni/10-pods.conflist").write_text(json.dumps(_pod_network(node)))
        (node.state / "kubelet.yaml").write_text(json.dumps(_kubelet(node)))
        (node.state / "kube-proxy.yaml").write_text(json.dumps(_kube_proxy(node)))
    _write_keys(PKI)
    token = secrets.token_hex(16)
    (PKI / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    KUBECONFIG.write_text(json.dumps(_access(token)))


def _write_keys(folder: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.crt")
    names = (FIRST.address, "127.0.0.1", "10.96.0.1", "kubernetes.default.svc")
    for file, certificate in (
        ("api", authority.issue_cert(*names)),
        ("proxy", authority.issue_cert("proxy.test", common_name=PROXY)),
    ):
        certificate.private_key_pem.write_to_path(folder / f"{file}.key")
        certificate.cert_chain_pems[0].write_to_path(folder / f"{file}.crt")
    run("openssl", "genrsa", "-out", str(folder / "accounts.key"), "2048")


def _access(token: str) -> dict[str, Any]:
    cluster = {
        "server": f"https://{FIRST.address}:6443",
        "certificate-authority": f"{PKI}/ca.crt",
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }
