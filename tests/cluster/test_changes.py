"""Changes of the release while it is used: models, tenants, versions."""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.chart.chart import COMPONENTS
from tests.cluster.figures import outcome, since
from tests.cluster.release import NAME, all_settled, helm, names, pods, restarts, upgrade
from tests.cluster.scenario import NAMESPACE, STREAMS, TOKEN, apply_tenants, values

if TYPE_CHECKING:
    from tests.cluster.caller import Caller
    from tests.cluster.cluster import Cluster
    from tests.cluster.figures import Figures

pytestmark = pytest.mark.timeout(1200)
RELOAD_S = 120
GRPC = """
import asyncio
from routemoa import RouteMoAClient
async def main():
    async with RouteMoAClient("{address}", token=lambda: "{token}", plaintext_token=True) as client:
        print(len(await client.models(timeout_s=10)))
asyncio.run(main())
"""


def models_of(caller: Caller, token: str) -> list[str]:
    """Returns the number of models that each router pod tells, or nothing if it refuses."""
    found = pods(caller.cluster, NAMESPACE, "router")
    addresses = [f"{pod['status']['podIP']}:50052" for pod in found]
    codes = (GRPC.format(address=address, token=token) for address in addresses)
    return [caller.python(code).stdout.strip() for code in codes]


def test_a_changed_pool_is_used_without_a_restart(
    cluster: Cluster, caller: Caller, figures: Figures
) -> None:
    before = names(pods(cluster, NAMESPACE, "router"))
    assert models_of(caller, TOKEN) == ["2", "2"]
    pool = values()["router"]["pool"]
    another = pool["models"][0] | {"id": "gpt-4o-2024-08-06"}
    longer = {"models": [*pool["models"], another]}
    start_s = time.monotonic()
    upgrade(cluster, NAMESPACE, {"router": {"pool": longer}}, wait=False)
    cluster.wait(lambda: models_of(caller, TOKEN) == ["3", "3"], RELOAD_S)
    figures.add("a changed ConfigMap (one more model) is used by all routers", since(start_s))
    assert names(pods(cluster, NAMESPACE, "router")) == before
    assert not any(map(restarts, pods(cluster, NAMESPACE, "router")))


def test_a_changed_secret_is_used_without_a_restart(
    cluster: Cluster, caller: Caller, figures: Figures
) -> None:
    before = names(pods(cluster, NAMESPACE, "router"))
    another = secrets.token_hex(16)
    assert models_of(caller, another) == ["", ""]
    start_s = time.monotonic()
    apply_tenants(cluster, TOKEN, another)
    cluster.wait(lambda: all(models_of(caller, another)), RELOAD_S)
    figures.add("a changed Secret (one more tenant) is used by all routers", since(start_s))
    assert names(pods(cluster, NAMESPACE, "router")) == before


def test_a_rolling_upgrade_of_all_services_loses_no_stream(
    cluster: Cluster, caller: Caller, figures: Figures
) -> None:
    before = {name: names(pods(cluster, NAMESPACE, name)) for name in COMPONENTS}
    rolled = {name: {"podAnnotations": {"round": "second"}} for name in COMPONENTS}
    with caller.streaming(STREAMS, TOKEN) as streams:
        start_s = time.monotonic()
        upgrade(cluster, NAMESPACE, rolled)
        cluster.wait(partial(all_settled, cluster, NAMESPACE), 300)
        rolled_s = since(start_s)
    for component in COMPONENTS:
        assert not names(pods(cluster, NAMESPACE, component)) & before[component]
    shown = f"rolling upgrade of all services under {STREAMS} streams"
    figures.add(shown, rolled_s, outcome(streams))
    assert streams.broken == {}
    assert streams.count > STREAMS


def test_a_wrong_image_is_rolled_back_while_the_old_pods_serve(
    cluster: Cluster, caller: Caller, figures: Figures
) -> None:
    def is_stuck() -> bool:
        found = (
            pod["status"].get("containerStatuses", []) for pod in pods(cluster, NAMESPACE, "router")
        )
        waiting = (each["state"].get("waiting", {}) for statuses in found for each in statuses)
        return any("Image" in each.get("reason", "") for each in waiting)

    with caller.streaming(STREAMS, TOKEN) as streams:
        upgrade(cluster, NAMESPACE, {"image": {"tag": "there-is-none"}}, wait=False)
        cluster.wait(is_stuck)
        start_s = time.monotonic()
        where = (f"--namespace={NAMESPACE}", "--wait", "--timeout=10m")
        helm(cluster, "rollback", NAME, *where)
        cluster.wait(partial(all_settled, cluster, NAMESPACE))
        back_s = since(start_s)
    figures.add("`helm rollback --wait` of a wrong image", back_s, outcome(streams))
    assert streams.broken == {}
