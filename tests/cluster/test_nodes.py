"""Nodes that are emptied, one after the other, as for an upgrade of them."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.cluster.figures import outcome, since
from tests.cluster.nodes import NODES, Node
from tests.cluster.release import INSTANCE, all_pods, all_settled
from tests.cluster.scenario import NAMESPACE, STREAMS, TOKEN

if TYPE_CHECKING:
    from tests.cluster.caller import Caller
    from tests.cluster.cluster import Cluster
    from tests.cluster.figures import Figures

pytestmark = pytest.mark.timeout(1200)
DRAIN = (
    "--ignore-daemonsets",
    "--delete-emptydir-data",
    f"--pod-selector={INSTANCE}",
    "--timeout=600s",
)


def pods_on(cluster: Cluster, node: Node) -> int:
    """Returns how many pods of the release a node has."""
    found = all_pods(cluster, NAMESPACE)
    return sum(pod["spec"].get("nodeName") == node.name for pod in found)


@pytest.mark.parametrize("node", NODES, ids=[node.name for node in NODES])
def test_a_drained_node_loses_no_stream(
    cluster: Cluster, caller: Caller, figures: Figures, node: Node
) -> None:
    count = pods_on(cluster, node)
    assert count > 0
    with caller.streaming(STREAMS, TOKEN) as streams:
        start_s = time.monotonic()
        try:
            cluster.run("kubectl", "drain", node.name, *DRAIN)
            cluster.wait(partial(all_settled, cluster, NAMESPACE), 300)
        finally:
            cluster.run("kubectl", "uncordon", node.name)
        moved_s = since(start_s)
        assert pods_on(cluster, node) == 0
    shown = f"drain of {node.name}, until its {count} pods are ready elsewhere"
    figures.add(shown, moved_s, outcome(streams))
    assert streams.broken == {}
    assert streams.count > STREAMS
