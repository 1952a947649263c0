"""The pods of the release: they work together, and can do no more than they must."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from routemoa.client import VERSION
from tests.chart.chart import COMPONENTS
from tests.cluster.caller import Caller, in_pod, start_caller
from tests.cluster.figures import since
from tests.cluster.release import NAME, create_namespace, helm, pods
from tests.cluster.scenario import NAMESPACE

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster
    from tests.cluster.figures import Figures

pytestmark = pytest.mark.timeout(1200)
ELSEWHERE = "elsewhere"
REACH = """
import socket, sys
with socket.socket() as probe:
    probe.settimeout(3)
    sys.exit(probe.connect_ex((socket.gethostbyname("{host}"), {port})) != 0)
"""


def test_helm_test_is_green(cluster: Cluster, caller: Caller, figures: Figures) -> None:
    with figures.timed("`helm test`"):
        output = helm(cluster, "test", NAME, f"--namespace={NAMESPACE}", "--logs")
    assert "models ranked" in output


def test_pods_have_no_rights(cluster: Cluster, caller: Caller, figures: Figures) -> None:
    look = "grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/1/status; id -u; touch /app/x"
    start_s = time.monotonic()
    for component in COMPONENTS:
        pod = pods(cluster, NAMESPACE, component)[0]["metadata"]["name"]
        found = in_pod(cluster, NAMESPACE, pod, "sh", "-c", look)
        said = dict(line.split(":\t") for line in found.stdout.splitlines() if ":" in line)
        assert said == {"CapEff": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"}, component
        assert found.stdout.splitlines()[-1] == "65532"
        assert "Read-only file system" in found.stderr
        assert in_pod(cluster, NAMESPACE, pod, "ls", "/var/run/secrets/kubernetes.io").returncode
    image = f"--image=routemoa/router:{VERSION}"
    refused = cluster.attempt("kubectl", "run", "root", image, f"--namespace={NAMESPACE}")
    assert "violates PodSecurity" in refused.stderr
    figures.add("restricted pods have no rights; a pod with rights is refused", since(start_s))


def test_network_policies_are_enforced(cluster: Cluster, caller: Caller, figures: Figures) -> None:
    start_s = time.monotonic()
    scorer = pods(cluster, NAMESPACE, "scorer")[0]["metadata"]["name"]
    create_namespace(cluster, ELSEWHERE)
    stranger = start_caller(cluster, ELSEWHERE, f"routemoa/router:{VERSION}")
    arrows = {
        (caller.namespace, caller.name): {
            ("routemoa-router", 50052): True,
            ("routemoa-gateway", 8080): True,
            ("simulator", 8000): True,
            ("routemoa-scorer", 50051): False,
            ("routemoa-judge", 50053): False,
            ("routemoa-router", 9090): False,
        },
        (NAMESPACE, scorer): {("routemoa-router", 50052): False, ("simulator", 8000): False},
        (ELSEWHERE, stranger.name): {
            ("routemoa-router", 50052): False,
            ("routemoa-gateway", 8080): False,
            ("simulator", 8000): True,
        },
    }
    for (namespace, pod), expected in arrows.items():
        for (service, port), is_open in expected.items():
            host = f"{service}.{NAMESPACE}.svc.cluster.local"
            code = REACH.format(host=host, port=port)
            reached = in_pod(cluster, namespace, pod, "python", "-c", code).returncode == 0
            assert reached is is_open, f"{namespace}/{pod} -> {host}:{port}"
    count = sum(map(len, arrows.values()))
    figures.add("network policies are enforced", since(start_s), f"{count} of {count} arrows")
