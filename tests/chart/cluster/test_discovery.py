"""Replicas as a real API server tells them: the chart's rights, list, watch, a restart, the router."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import yaml

from routemoa import RouteMoAClient
from routemoa.errors import GenerationFailedError
from services.router.backends.replicas.discovery.endpoint_slices import NamespaceWatch
from services.router.backends.replicas.discovery.kubernetes import ApiServer
from services.router.pool.endpoints import EndpointSlices
from services.simulator import running_simulator
from tests.chart.chart import CHART, NAMESPACE, tool, values_files, values_options
from tests.chart.cluster.control_plane import Cluster, running_api_server
from tests.integration.api_server import endpoint_slice
from tests.integration.followed import failures, following, until, urls
from tests.integration.service_process import logged, started
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from services.router.backends.replicas.discovery.listener import Listener
    from services.router.backends.replicas.replica_set import ReplicaSet

MODELS = "models"
"""The namespace that the chart's scenario gives rights to."""
SERVICE = "vllm"
OUTAGE_S = 60
"""What finding the API server again may take: pauses grow while it is away."""


@pytest.fixture(scope="module")
def cluster(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("api-server")
    with running_api_server(binaries, tool("helm"), folder) as running:
        for namespace in (NAMESPACE, MODELS):
            running.run("kubectl", "create", "namespace", namespace)
        running.run("kubectl", "apply", "-f", "-", stdin=rendered(running, "serviceaccount"))
        yield running


@pytest.fixture
def rights(cluster: Cluster) -> Iterator[str]:
    """The role and its binding as the chart renders them, in force."""
    text = rendered(cluster, "endpoint-slices-rbac")
    cluster.run("kubectl", "apply", "-f", "-", stdin=text)
    yield text
    cluster.run("kubectl", "delete", "endpointslices", "--all", "--namespace", MODELS)


@pytest.fixture
def account(cluster: Cluster, tmp_path: Path) -> Path:
    """The folder that the router's pod would have: a token of its account, and the cluster's CA."""
    name = "routemoa-router"
    token = cluster.run("kubectl", "create", "token", name, "--namespace", NAMESPACE)
    (tmp_path / "token").write_text(token)
    (tmp_path / "ca.crt").write_text(cluster.ca_file.read_text())
    return tmp_path


def rendered(cluster: Cluster, template: str) -> str:
    files = values_options(*values_files("replicas"))
    shown = ("--show-only", f"templates/router/{template}.yaml")
    return cluster.run("helm", "template", "routemoa", str(CHART), "-n", NAMESPACE, *files, *shown)


def put(cluster: Cluster, name: str, *addresses: str, port: int = 8000, **endpoint: Any) -> None:
    """Creates or replaces a slice; `endpoint` is said of its first endpoint."""
    kind = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice"}
    part = endpoint_slice(name, SERVICE, *addresses, port=port, **kind)
    part["endpoints"][0]["conditions"] |= endpoint
    where = ("--namespace", MODELS, "-f", "-")
    cluster.run("kubectl", "apply", *where, stdin=json.dumps(part))


def delete(cluster: Cluster, name: str) -> None:
    cluster.run("kubectl", "delete", "endpointslice", name, "--namespace", MODELS)


def environment_of(cluster: Cluster) -> dict[str, str]:
    """What Kubernetes tells every container."""
    return {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(cluster.api_port),
    }


async def watched(
    wanted: EndpointSlices,
    listener: Listener,
    session: aiohttp.ClientSession,
    find: Callable[[], ApiServer],
) -> None:
    watch = NamespaceWatch(wanted.namespace, session, find)
    watch.add(listener, wanted)
    await watch.follow()


@asynccontextmanager
async def followed(
    cluster: Cluster, account: Path, namespace: str = MODELS
) -> AsyncIterator[ReplicaSet]:
    wanted = EndpointSlices(namespace=namespace, service=SERVICE, port="http")
    find = partial(ApiServer.of_this_cluster, environment_of(cluster), account)
    async with (
        aiohttp.ClientSession() as session,
        following(lambda listener: watched(wanted, listener, session, find)) as replicas,
    ):
        yield replicas


async def test_the_rights_that_the_chart_gives_are_needed_and_are_enough(
    cluster: Cluster, rights: str, account: Path
) -> None:
    put(cluster, "one", "10.0.0.1")
    cluster.run("kubectl", "delete", "-f", "-", stdin=rights)
    before = failures()
    async with followed(cluster, account) as replicas:
        await until(lambda: failures() > before)
        assert urls(replicas) == []
        cluster.run("kubectl", "apply", "-f", "-", stdin=rights)
        await until(lambda: urls(replicas) == ["http://10.0.0.1:8000/v1"], OUTAGE_S)
    before = failures()
    async with followed(cluster, account, NAMESPACE) as replicas:
        await until(lambda: failures() > before)


@pytest.mark.usefixtures("rights")
async def test_every_change_of_the_slices_is_seen(cluster: Cluster, account: Path) -> None:
    def seen(*hosts: str) -> bool:
        return urls(replicas) == [f"http://{host}:8000/v1" for host in hosts]

    put(cluster, "one", "10.0.0.1", "10.0.0.2")
    async with followed(cluster, account) as replicas:
        await until(lambda: seen("10.0.0.1", "10.0.0.2"))
        put(cluster, "two", "10.0.0.3")
        await until(lambda: seen("10.0.0.1", "10.0.0.2", "10.0.0.3"))
        put(cluster, "one", "10.0.0.1", "10.0.0.2", ready=False)
        await until(lambda: seen("10.0.0.2", "10.0.0.3"))
        put(cluster, "one", "10.0.0.1", "10.0.0.2")
        await until(lambda: seen("10.0.0.1", "10.0.0.2", "10.0.0.3"))
        put(cluster, "two", "10.0.0.3", ready=False, serving=True, terminating=True)
        await until(lambda: seen("10.0.0.1", "10.0.0.2"))
        delete(cluster, "one")
        await until(seen)


@pytest.mark.usefixtures("rights")
async def test_after_a_restart_of_the_api_server_nothing_was_missed(
    cluster: Cluster, account: Path
) -> None:
    put(cluster, "one", "10.0.0.1")
    put(cluster, "two", "10.0.0.2")
    async with followed(cluster, account) as replicas:
        await until(lambda: len(urls(replicas)) == 2)
        before = failures()
        await asyncio.to_thread(cluster.stop_api_server)
        await until(lambda: failures() > before)
        assert len(urls(replicas)) == 2
        await asyncio.to_thread(cluster.start_api_server)
        # Before the follower is back: its watch would begin at what the server may have forgotten.
        delete(cluster, "one")
        put(cluster, "three", "10.0.0.3")
        known = ["http://10.0.0.2:8000/v1", "http://10.0.0.3:8000/v1"]
        await until(lambda: urls(replicas) == known, OUTAGE_S)


@pytest.mark.usefixtures("rights")
async def test_a_place_that_the_api_server_has_forgotten_is_answered_as_we_expect(
    cluster: Cluster, account: Path
) -> None:
    put(cluster, "one", "10.0.0.1")
    cluster.stop_api_server()
    cluster.start_api_server()
    server = ApiServer.of_this_cluster(environment_of(cluster), account)
    url = f"{server.url}/apis/discovery.k8s.io/v1/namespaces/{MODELS}/endpointslices"
    query = {"watch": "1", "resourceVersion": "1"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, params=query, headers=server.headers(), ssl=server.tls()) as response,
    ):
        event = json.loads(await response.content.readline())
    status = event["object"] if event.get("type") == "ERROR" else event
    assert (status["kind"], status["code"]) == ("Status", 410)


def own_address() -> str:
    """Returns an address of this machine; an EndpointSlice may not hold one of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address: str = probe.getsockname()[0]
        return address


def pool_file(folder: Path) -> Path:
    where = {"namespace": MODELS, "service": SERVICE, "port": "http"}
    model = {
        "id": "m",
        "endpoints": {"endpoint_slices": where},
        "prompt_price_usd_per_million_tokens": 1.0,
        "completion_price_usd_per_million_tokens": 1.0,
        "context_window_tokens": 8192,
    }
    path = folder / "pool.yaml"
    path.write_text(yaml.safe_dump({"models": [model]}))
    return path


@pytest.mark.usefixtures("rights")
async def test_the_router_calls_the_replicas_that_there_are(
    cluster: Cluster, account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(cluster).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TEST_SERVICE_ACCOUNT", str(account))
    host = own_address()
    async with AsyncExitStack() as stack:
        ports = {}
        for name in ("one", "two"):
            answers = ScriptedAnswers({"m": name})
            simulator = await stack.enter_async_context(running_simulator(answers, host=host))
            ports[name] = urlsplit(simulator.url).port or 0
        put(cluster, "one", host, port=ports["one"])
        settings = {"POOL_FILE": str(pool_file(account))}
        process = await stack.enter_async_context(
            started("router", arguments=("-m", "tests.chart.cluster.pod"), **settings)
        )
        address = (await logged(process, "listening"))["address"]
        client = await stack.enter_async_context(RouteMoAClient(str(address)))

        async def answered(text: str) -> None:
            async with asyncio.timeout(OUTAGE_S):
                while (await client.answer("Who?", timeout_s=10)).answer.text != text:  # noqa: ASYNC110  # the router is asked
                    await asyncio.sleep(0.05)

        await answered("one")
        put(cluster, "two", host, port=ports["two"])
        delete(cluster, "one")
        await answered("two")
        delete(cluster, "two")
        with pytest.raises(GenerationFailedError):
            await answered("nobody")
