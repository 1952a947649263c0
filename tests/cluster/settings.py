"""The files that the programs of a cluster read."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import trustme

from tests.cluster.state import CGROUP, NODE_ADDRESS, POD_ADDRESSES, RUN, STATE, run

if TYPE_CHECKING:
    from pathlib import Path

NODE = "node-a"
PODS = f"{POD_ADDRESSES}.0/24"
SERVICES = "10.96.0.0/16"
DNS_ADDRESS = "169.254.20.10"
"""That of a node-local DNS cache, which the chart's network policies allow."""
SOCKET = RUN / "containerd.sock"
PAUSE = "localhost/pause:1"
KUBECONFIG = STATE / "kubeconfig"
PKI = STATE / "pki"

CONTAINERD = f"""
version = 2
root = "{STATE}/containerd"
state = "{RUN}/containerd"
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true  # root may lack CAP_SYS_RESOURCE
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{STATE}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""
CNI: dict[str, Any] = {
    "cniVersion": "0.4.0",
    "name": "pods",
    "plugins": [
        {
            "type": "ptp",
            "ipMasq": False,
            "ipam": {
                "type": "host-local",
                "subnet": PODS,
                "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": f"{STATE}/ipam",
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}
KUBELET: dict[str, Any] = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "failCgroupV1": False,
    "cgroupDriver": "cgroupfs",
    "cgroupRoot": f"/{CGROUP}",
    "failSwapOn": False,
    "containerRuntimeEndpoint": f"unix://{SOCKET}",
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
KUBE_PROXY: dict[str, Any] = {
    "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
    "kind": "KubeProxyConfiguration",
    "mode": "nftables",
    "clientConnection": {"kubeconfig": str(KUBECONFIG)},
    "clusterCIDR": PODS,
    "hostnameOverride": NODE,
    "conntrack": {"maxPerCore": 0},
}


def write_settings() -> None:
    """Writes all files of a new cluster, its keys and tokens among them."""
    for name in ("pids", "log", "pki", "cni", "manifests"):
        (STATE / name).mkdir(parents=True)
    RUN.mkdir()
    (STATE / "containerd.toml").write_text(CONTAINERD)
    (STATE / "cni/10-pods.conflist").write_text(json.dumps(CNI))
    (STATE / "kubelet.yaml").write_text(json.dumps(KUBELET))
    (STATE / "kube-proxy.yaml").write_text(json.dumps(KUBE_PROXY))
    (STATE / "resolv.conf").touch()
    _write_keys(PKI)
    token = secrets.token_hex(16)
    (PKI / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    KUBECONFIG.write_text(json.dumps(_access(token)))


def _write_keys(folder: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.crt")
    names = (NODE_ADDRESS, "127.0.0.1", "10.96.0.1", "kubernetes.default.svc")
    certificate = authority.issue_cert(*names)
    certificate.private_key_pem.write_to_path(folder / "api.key")
    certificate.cert_chain_pems[0].write_to_path(folder / "api.crt")
    run("openssl", "genrsa", "-out", str(folder / "accounts.key"), "2048")


def _access(token: str) -> dict[str, Any]:
    cluster = {
        "server": f"https://{NODE_ADDRESS}:6443",
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
