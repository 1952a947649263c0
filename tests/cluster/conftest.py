"""One cluster for all tests of a run, with the images in it, and the page that the run writes."""

from __future__ import annotations

import os
import shutil
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routemoa.client import VERSION
from tests.chart.chart import tool
from tests.cluster import state
from tests.cluster.caller import Caller, start_caller
from tests.cluster.cluster import Cluster, running_cluster
from tests.cluster.figures import Figures, since
from tests.cluster.images import load_image
from tests.cluster.release import NAME, all_settled, create_namespace, helm, upgrade, what_is_left
from tests.cluster.scenario import NAMESPACE, TOKEN, apply_tenants, start_simulator, values
from tests.toolchain import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGES = ("scorer", "router", "judge", "gateway", "simulator")
PROGRAMS = (
    "buildah",
    "conntrack",
    "gcc",
    "ip",
    "ipset",
    "iptables",
    "nft",
    "nsenter",
    "openssl",
    "runc",
)
BUILT = ("kubelet", "containerd", "metrics-server")
PLUGIN = Path("/usr/lib/cni/ptp")


@pytest.fixture(scope="session")
def binaries() -> Path:
    """The folder of the cluster's programs; skips the tests where something is missing."""
    folder = Path(os.environ.get("ROUTEMOA_CLUSTER_BINARIES", ""))
    if not all((folder / name).exists() for name in BUILT):
        missing("no cluster is built; `make test-cluster` builds one with Go")
    if os.geteuid() != 0:
        missing("a cluster needs root")
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking or not PLUGIN.exists():
        missing(f"a cluster needs {', '.join(lacking)} and containernetworking-plugins")
    for image in IMAGES:
        if state.attempt("buildah", "inspect", f"localhost/routemoa/{image}:{VERSION}").returncode:
            missing(f"the image {image} is not built; `make image-buildah` builds it")
    return folder


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """The rows of this run; a run without failures writes them where ROUTEMOA_CLUSTER_PAGE says."""
    figures = Figures()
    yield figures
    page = os.environ.get("ROUTEMOA_CLUSTER_PAGE")
    if page and not request.session.testsfailed:
        Path(page).write_text(figures.page())


@pytest.fixture(scope="session")
def cluster(binaries: Path, figures: Figures) -> Iterator[Cluster]:
    """The running cluster."""
    start_s = time.monotonic()
    with running_cluster(binaries, tool("helm")) as cluster:
        figures.add(
            "the cluster comes up, from nothing to two nodes that are ready", since(start_s)
        )
        with figures.timed("the images of all services are loaded, on both nodes"):
            for image in IMAGES:
                name = f"routemoa/{image}:{VERSION}"
                load_image(cluster.binaries, f"localhost/{name}", f"docker.io/{name}")
        yield cluster


@pytest.fixture(scope="session")
def release(cluster: Cluster, figures: Figures) -> Iterator[Caller]:
    """The release and a pod that calls it; uninstalls it at the end, and nothing may be left."""
    create_namespace(cluster, NAMESPACE)
    apply_tenants(cluster, TOKEN)
    start_simulator(cluster)
    with figures.timed("`helm install --wait` of two pods of each service"):
        upgrade(cluster, NAMESPACE, values())
    yield start_caller(cluster, NAMESPACE, f"routemoa/router:{VERSION}")
    with figures.timed("`helm uninstall --wait`, until nothing is left"):
        helm(cluster, "uninstall", NAME, f"--namespace={NAMESPACE}", "--wait", "--timeout=5m")
        cluster.wait(lambda: not what_is_left(cluster, NAMESPACE))


@pytest.fixture
def caller(cluster: Cluster, release: Caller) -> Caller:
    """The pod that calls the release, once two pods of each service are ready."""
    cluster.wait(partial(all_settled, cluster, NAMESPACE), 300)
    return release
