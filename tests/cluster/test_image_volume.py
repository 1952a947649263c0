"""A scorer whose artifact is an image of its own, mounted as a volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routemoa.client import VERSION
from tests.chart.chart import CHART, COMPONENTS
from tests.cluster.caller import in_pod
from tests.cluster.images import image_of, load_image
from tests.cluster.release import NAME, create_namespace, helm, pods
from tests.cluster.scenario import SMALL
from tests.unit.scorer.rollout.samples import renamed_artifact

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.cluster import Cluster
    from tests.cluster.figures import Figures

pytestmark = pytest.mark.timeout(900)
NAMESPACE = "artifacts"
IMAGE = "docker.io/routemoa/artifact:1"
MODEL = "gpt-4o-2024-08-06"
RENAMED = "known-to-the-volume-alone"
VALUES = {name: {"enabled": False} for name in COMPONENTS if name != "scorer"} | {
    "scorer": {
        "replicas": 1,
        "rollout": {"minReadySeconds": 0},
        "resources": {"requests": {"cpu": SMALL["scorer"]}},
        "artifact": {"source": "image", "reference": IMAGE, "subPath": "renamed"},
    }
}
INFO = """
import grpc
from routemoa.v1.scorer_service_pb2 import GetScorerInfoRequest
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
with grpc.insecure_channel("localhost:50051") as channel:
    print(*ScorerServiceStub(channel).GetScorerInfo(GetScorerInfoRequest(), timeout=10).model_ids)
"""


def test_a_scorer_uses_the_artifact_of_an_image_volume(
    cluster: Cluster, figures: Figures, tmp_path: Path
) -> None:
    renamed_artifact(tmp_path / "content/renamed", {MODEL: RENAMED})
    with image_of(tmp_path / "content", "/", f"localhost/routemoa/artifact:{VERSION}") as image:
        load_image(cluster.binaries, image, IMAGE)
    create_namespace(cluster, NAMESPACE)
    where = f"--namespace={NAMESPACE}"
    with figures.timed("`helm install --wait` of a scorer with its artifact in an image volume"):
        install = ("install", NAME, str(CHART), where, "--wait", "--timeout=5m")
        helm(cluster, *install, values=VALUES)
    assert "models ranked" in helm(cluster, "test", NAME, where, "--logs")
    [pod] = pods(cluster, NAMESPACE, "scorer")
    name = pod["metadata"]["name"]
    known = in_pod(cluster, NAMESPACE, name, "python", "-c", INFO).stdout.split()
    assert RENAMED in known
    assert MODEL not in known
    written = in_pod(cluster, NAMESPACE, name, "touch", "/artifact/x")
    assert "Read-only file system" in written.stderr
    helm(cluster, "uninstall", NAME, where, "--wait")
