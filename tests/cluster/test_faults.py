"""Faults while the release is used: a process is killed, a pod is evicted."""

from __future__ import annotations

import json
import os
import signal
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.chart.chart import COMPONENTS
from tests.cluster import state
from tests.cluster.figures import outcome, since
from tests.cluster.images import containerd
from tests.cluster.nodes import NODES
from tests.cluster.release import is_ready, pods, restarts, settled
from tests.cluster.scenario import NAMESPACE, STREAMS, TOKEN

if TYPE_CHECKING:
    from tests.cluster.caller import Caller
    from tests.cluster.cluster import Cluster
    from tests.cluster.figures import Figures

pytestmark = pytest.mark.timeout(1200)


def kill(cluster: Cluster, pod: dict[str, Any]) -> None:
    """Ends the process of a pod without a warning."""
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    [node] = [each for each in NODES if each.name == pod["spec"]["nodeName"]]
    listed = state.run(*containerd(cluster.binaries, node, "tasks", "list")).splitlines()
    [pid] = [int(line.split()[1]) for line in listed if line.startswith(container)]
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_service_recovers_when_a_process_of_it_is_killed(
    cluster: Cluster, caller: Caller, figures: Figures, component: str
) -> None:
    pod = pods(cluster, NAMESPACE, component)[0]
    name, before = pod["metadata"]["name"], restarts(pod)

    def is_back() -> bool:
        [found] = [
            each for each in pods(cluster, NAMESPACE, component) if each["metadata"]["name"] == name
        ]
        return restarts(found) == before + 1 and is_ready(found)

    with caller.streaming(STREAMS, TOKEN) as streams:
        start_s = time.monotonic()
        kill(cluster, pod)
        cluster.wait(is_back)
        back_s = since(start_s)
    figures.add(f"SIGKILL of a {component}, until it is ready again", back_s, outcome(streams))
    # What was in flight in the dead process is lost, once; scorer and judge have substitutes.
    most = STREAMS if component in {"router", "gateway"} else 0
    assert sum(streams.broken.values()) <= most, streams.broken


@pytest.mark.parametrize("component", COMPONENTS)
def test_an_evicted_pod_loses_no_stream(
    cluster: Cluster, caller: Caller, figures: Figures, component: str
) -> None:
    name = pods(cluster, NAMESPACE, component)[0]["metadata"]["name"]
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": NAMESPACE},
    }
    path = f"--raw=/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction"
    with caller.streaming(STREAMS, TOKEN) as streams:
        start_s = time.monotonic()
        create = ("kubectl", "create", path, "--filename=-")
        cluster.wait(lambda: not cluster.attempt(*create, stdin=json.dumps(eviction)).returncode)
        cluster.wait(partial(settled, cluster, NAMESPACE, component))
        settled_s = since(start_s)
    shown = f"eviction of a {component}, until two are ready again"
    figures.add(shown, settled_s, outcome(streams))
    assert streams.broken == {}
