from __future__ import annotations

import json

import yaml

from services.router.pool.pool import Pool
from services.simulator.pool import default_pool
from tests.chart.chart import COMPONENTS, Object, Rendered, render, template
from tests.chart.test_documents import notes


def millicores(quantity: str) -> int:
    return int(quantity[:-1]) if quantity.endswith("m") else int(quantity) * 1000


def requested(rendered: Rendered) -> int:
    """Returns the CPU that all pods together request."""
    deployments = [deployment["spec"] for deployment in rendered.all("Deployment").values()]
    return sum(
        deployment["replicas"] * millicores(container["resources"]["requests"]["cpu"])
        for deployment in deployments
        for container in deployment["template"]["spec"]["containers"]
    )


def test_the_defaults_alone_bring_up_a_demo_that_fits_a_laptop() -> None:
    rendered = template()
    assert rendered.all("Deployment").keys() == {*COMPONENTS, "demo"}
    assert requested(rendered) <= 1500
    assert requested(render()) > 1500, "a pool of one's own gets the whole requests"


def test_the_demo_is_named_in_objects_and_notes() -> None:
    for kind in ("Deployment", "Service", "NetworkPolicy"):
        labels = template().one(kind, "demo")["metadata"]["labels"]
        assert labels["app.kubernetes.io/component"] == "demo"
    assert notes("demo").lstrip().startswith("DEMO: the models are simulated")
    assert "DEMO" not in notes("default")


def test_the_router_reads_the_models_of_the_demo_and_reaches_the_simulator() -> None:
    rendered = template()
    pool = json.loads(rendered.one("ConfigMap", "pool")["data"]["pool.yaml"])
    Pool.model_validate(pool)
    known = {model["id"] for model in yaml.safe_load(default_pool("http://a"))["models"]}
    assert {model["id"] for model in pool["models"]} <= known
    service = rendered.one("Service", "demo")
    [port] = service["spec"]["ports"]
    url = f"http://{service['metadata']['name']}:{port['port']}/v1"
    assert {model["url"] for model in pool["models"]} == {url}
    assert {"to": [{"podSelector": {}}]} in policy(rendered, "router")["egress"]
    [rule] = policy(rendered, "demo")["ingress"]
    [caller] = rule["from"]
    router = rendered.one("Deployment", "router")["spec"]["selector"]
    assert caller["podSelector"] == router
    [container] = rendered.pod("demo")["containers"]
    assert rule["ports"][0]["port"] == container["ports"][0]["name"] == port["targetPort"]


def policy(rendered: Rendered, name: str) -> Object:
    spec: Object = rendered.one("NetworkPolicy", name)["spec"]
    return spec


def test_a_pool_ends_the_demo() -> None:
    assert "demo" not in render().all("Deployment")
    assert "simulator" not in render().text
