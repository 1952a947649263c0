"""The release that most tests share: two pods of each service, two simulated models, tenants."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import yaml

from routemoa.client import VERSION
from tests.chart.chart import EXAMPLES

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

NAMESPACE = "ai"
STREAMS = 16
TOKEN = secrets.token_hex(16)
PACE = ["--time-to-first-token-ms=300", "--tokens-per-second=8"]
SMALL = {"scorer": "100m", "router": "50m", "judge": "20m", "gateway": "50m"}
"""CPU that a pod requests, so that two of each and one more while rolling out fit two cores."""


def values() -> dict[str, Any]:
    """Returns the values of the release: two models of the simulator, tenants, small requests."""
    pool = yaml.safe_load((EXAMPLES / "kind/values.yaml").read_text())["router"]["pool"]
    for model in pool["models"]:
        model["family"] = "other"
    small = {name: {"resources": {"requests": {"cpu": cpu}}} for name, cpu in SMALL.items()}
    router = small["router"] | {"pool": pool, "budgets": {"tenantsSecretName": "tenants"}}
    return small | {"router": router}


def apply_tenants(cluster: Cluster, *tokens: str) -> None:
    """Makes the Secret of the tenants, one token each."""
    digests = [hashlib.sha256(token.encode()).hexdigest() for token in tokens]
    tenants = [{"id": f"team-{n}", "token_sha256": [each]} for n, each in enumerate(digests)]
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "tenants", "namespace": NAMESPACE},
            "stringData": {"tenants.yaml": yaml.safe_dump({"tenants": tenants})},
        }
    )


def start_simulator(cluster: Cluster) -> None:
    """Starts the example's simulator, at the pace of a model."""
    text = (EXAMPLES / "kind/simulator.yaml").read_text().replace(":local", f":{VERSION}")
    deployment, service = yaml.safe_load_all(text)
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    container["args"] = ["--simulated", "--host=0.0.0.0", *PACE]
    for item in (deployment, service):
        item["metadata"]["namespace"] = NAMESPACE
    cluster.apply(deployment, service)
    status = ("rollout", "status", "deployment/simulator", f"--namespace={NAMESPACE}")
    cluster.run("kubectl", *status, "--timeout=120s")
