"""The chart without values, as a stranger installs it: a demo that answers what its notes say."""

from __future__ import annotations

import json
import re
import subprocess
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.chart.chart import CHART, COMPONENTS
from tests.cluster.nodes import within
from tests.cluster.release import NAME, all_pods, create_namespace, helm, is_ready, what_is_left
from tests.cluster.state import attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.cluster import Cluster
    from tests.cluster.figures import Figures

NAMESPACE = "demo"
FIRST_ANSWER_S = 90
pytestmark = pytest.mark.timeout(900)


@contextmanager
def forwarding(cluster: Cluster) -> Iterator[None]:
    """Forwards the gateway's port as the notes say."""
    command = ("port-forward", f"service/{NAME}-gateway", "8080", f"--namespace={NAMESPACE}")
    with subprocess.Popen(  # noqa: S603  # our own command
        cluster.command("kubectl", *command), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert "Forwarding" in process.stdout.readline()
            yield
        finally:
            process.terminate()


def curl_of(notes: str) -> list[str]:
    """Returns the command of the notes that asks something, without what a shell would do."""
    [text] = re.findall(r"curl http://.*?\n.*?\n.*?}'", notes, flags=re.DOTALL)
    url = re.search(r"http://\S+", text)
    body = re.search(r"--data '(.*)'", text)
    assert url is not None
    assert body is not None
    return ["curl", "--silent", "--fail", url[0], "--json", body[1]]


def is_up(cluster: Cluster) -> bool:
    """Returns whether one pod of each service, and the simulator, are ready."""
    found = all_pods(cluster, NAMESPACE)
    return len(found) == len(COMPONENTS) + 1 and all(map(is_ready, found))


def test_the_chart_without_values_answers_within_90_s(cluster: Cluster, figures: Figures) -> None:
    create_namespace(cluster, NAMESPACE)
    start_s = time.monotonic()
    where = f"--namespace={NAMESPACE}"
    notes = helm(cluster, "install", NAME, str(CHART), where)
    assert "DEMO" in notes
    cluster.wait(partial(is_up, cluster))
    with forwarding(cluster):
        asked = attempt(*within(*curl_of(notes)))
        first_s = time.monotonic() - start_s
    assert asked.returncode == 0, asked.stderr
    events = [line.removeprefix("data: ") for line in asked.stdout.split("\n\n") if line]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(each) for each in events[:-1] if not each.startswith(":")]
    assert "".join(c["delta"].get("content") or "" for e in chunks for c in e["choices"])
    figures.add("`helm install` without values, to the first answer", first_s)
    assert first_s <= FIRST_ANSWER_S
    with figures.timed("`helm test` of the demo"):
        helm(cluster, "test", NAME, where, "--logs")
    with figures.timed("`helm uninstall` of the demo, until nothing is left"):
        helm(cluster, "uninstall", NAME, where, "--wait")
        cluster.wait(lambda: not what_is_left(cluster, NAMESPACE))
