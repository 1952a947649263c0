"""Replicas that are looked up: by a name server on loopback, and by an API server that goes away."""

from __future__ import annotations

import asyncio
import struct
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from services.router.backends.client import open_wire_client
from services.router.backends.replicas.config import ReplicaSettings
from services.router.backends.replicas.discovery.dns import follow_name, lookup
from services.router.backends.replicas.discovery.endpoint_slices import NamespaceWatch
from services.router.backends.replicas.discovery.kubernetes import ApiServer as Server
from services.router.backends.replicas.discovery.listener import MAX_REPLICAS
from services.router.backends.replicas.replicas import Replicas
from services.router.pool.endpoints import DnsEndpoints, EndpointSlices
from services.router.pool.pool import Pool
from tests.integration.api_server import TOKEN, ApiServer, endpoint_slice, running_api_server
from tests.integration.followed import failures, following, until, urls
from tests.integration.headless import NameServer, name_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from services.router.backends.replicas.discovery.listener import Listener
    from services.router.backends.replicas.replica_set import ReplicaSet

NAME = "vllm.models.svc"
SERVICE = EndpointSlices(namespace="models", service="vllm", port="http")


async def watched(
    listener: Listener, session: aiohttp.ClientSession, find: Callable[[], Server]
) -> None:
    watch = NamespaceWatch(SERVICE.namespace, session, find)
    watch.add(listener, SERVICE)
    await watch.follow()


class _Answer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.data: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.data.set_result(data)


async def ask(names: NameServer, name: str) -> list[str]:
    """Asks the name server itself; the system's resolver asks another."""
    host, port = names.address.split(":")
    loop = asyncio.get_running_loop()
    transport, answer = await loop.create_datagram_endpoint(_Answer, remote_addr=(host, int(port)))
    try:
        labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split("."))
        question = labels + b"\0" + struct.pack("!HH", 1, 1)
        transport.sendto(struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question)
        data = await answer.data
    finally:
        transport.close()
    count = struct.unpack("!H", data[6:8])[0]
    records = data[12 + len(question) :]
    found = [".".join(map(str, records[n * 16 + 12 : n * 16 + 16])) for n in range(count)]
    if not found:
        raise OSError("no address")
    return found


async def test_a_name_whose_addresses_change_is_followed_and_one_without_keeps_the_last() -> None:
    endpoints = DnsEndpoints(name=NAME, port=8000, interval_s=0.1)
    async with name_server() as names:
        names.hosts[NAME] = ["127.0.1.1", "127.0.1.2"]

        async def resolve(name: str) -> list[str]:
            return await ask(names, name)

        async with following(lambda told: follow_name(endpoints, told, resolve)) as replicas:
            await until(lambda: len(urls(replicas)) == 2)
            kept = replicas.replicas[1]
            names.hosts[NAME] = ["127.0.1.3", "127.0.1.2"]
            await until(lambda: "http://127.0.1.3:8000/v1" in urls(replicas))
            assert urls(replicas) == ["http://127.0.1.2:8000/v1", "http://127.0.1.3:8000/v1"]
            assert kept in replicas.replicas
            names.hosts[NAME] = []
            await asyncio.sleep(0.3)
            assert len(urls(replicas)) == 2


@pytest.mark.parametrize(
    "error",
    [
        UnicodeError("label empty or too long"),
        OSError("no such name"),
        ValueError("embedded null character"),
        TimeoutError(),
        KeyError("anything else"),
        RuntimeError("a resolver's own fault"),
    ],
)
async def test_whatever_a_lookup_raises_the_name_is_followed_further(error: Exception) -> None:
    endpoints = DnsEndpoints(name=NAME, port=8000, interval_s=0.1)
    answers: list[Exception | list[str]] = [error, error, ["10.0.0.1"]]

    async def resolve(name: str) -> list[str]:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    before = failures()
    async with following(lambda told: follow_name(endpoints, told, resolve)) as replicas:
        await until(lambda: urls(replicas) == ["http://10.0.0.1:8000/v1"])
    assert failures() == before + 2


async def test_whatever_finding_the_api_server_raises_the_service_is_followed_further(
    tmp_path: Path,
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    errors = [KeyError("anything"), RuntimeError("anything else")]
    async with running_api_server() as server, aiohttp.ClientSession() as session:
        server.put(endpoint_slice("one", "vllm", "10.0.0.1", "not an address", "", port=8000))

        def find() -> Server:
            if errors:
                raise errors.pop()
            return Server(url=server.url, token_file=tmp_path / "token")

        async with following(lambda told: watched(told, session, find)) as replicas:
            await until(lambda: urls(replicas) == ["http://10.0.0.1:8000/v1"])


async def test_a_name_with_very_many_addresses_fills_the_set_and_no_more() -> None:
    endpoints = DnsEndpoints(name=NAME, port=8000, interval_s=0.1)

    async def resolve(name: str) -> list[str]:
        return [f"10.0.{number >> 8}.{number & 255}" for number in range(5000)]

    async with following(lambda told: follow_name(endpoints, told, resolve)) as replicas:
        await until(lambda: len(urls(replicas)) > 0)
        assert len(urls(replicas)) == MAX_REPLICAS


async def test_the_systems_resolver_knows_this_machine_and_no_invented_name() -> None:
    assert "127.0.0.1" in await lookup("localhost")
    with pytest.raises(OSError, match=r".+"):
        await lookup("no-such-name.invalid")


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[tuple[ApiServer, ReplicaSet]]:
    token = folder / "token"
    token.write_text(f"{TOKEN}\n")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_api_server())
        session = await stack.enter_async_context(aiohttp.ClientSession())

        def find() -> Server:
            return Server(url=server.url, token_file=token)

        replicas = await stack.enter_async_context(
            following(lambda told: watched(told, session, find))
        )
        yield server, replicas


async def test_endpoint_slices_are_listed_and_watched(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (server, replicas):
        server.put(endpoint_slice("one", "vllm", "10.0.0.1", "10.0.0.2", port=8000))
        server.put(endpoint_slice("foreign", "tgi", "10.9.9.9", port=80))
        await until(lambda: len(urls(replicas)) == 2)
        server.put(endpoint_slice("two", "vllm", "fd00::7", port=8000, addressType="IPv6"))
        await until(lambda: len(urls(replicas)) == 3)
        assert "http://[fd00::7]:8000/v1" in urls(replicas)
        part = endpoint_slice("one", "vllm", "10.0.0.1", "10.0.0.2", port=8000)
        part["endpoints"][0]["conditions"]["ready"] = False
        server.put(part)
        await until(lambda: "http://10.0.0.1:8000/v1" not in urls(replicas))
        server.bookmark()
        server.delete("two")
        await until(lambda: urls(replicas) == ["http://10.0.0.2:8000/v1"])
        assert server.lists == 1


async def test_a_watch_that_ends_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (server, replicas):
        await until(lambda: server.watches == 1)
        server.put(endpoint_slice("one", "vllm", "10.0.0.1", port=8000))
        await until(lambda: len(urls(replicas)) == 1)
        server.cut()
        server.put(endpoint_slice("two", "vllm", "10.0.0.2", port=8000))
        await until(lambda: len(urls(replicas)) == 2)
        assert server.lists == 1


async def test_a_history_that_is_gone_is_listed_anew(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (server, replicas):
        server.put(endpoint_slice("one", "vllm", "10.0.0.1", port=8000))
        await until(lambda: len(urls(replicas)) == 1)
        server.delete("one")
        server.forget()
        server.put(endpoint_slice("two", "vllm", "10.0.0.2", port=8000))
        await until(lambda: urls(replicas) == ["http://10.0.0.2:8000/v1"])
        assert server.lists >= 2


async def test_a_watch_that_fails_is_a_failure_and_begins_anew(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (server, replicas):
        server.put(endpoint_slice("one", "vllm", "10.0.0.1", port=8000))
        await until(lambda: len(urls(replicas)) == 1)
        before = failures()
        server.fail(500, "etcdserver: request timed out")
        await until(lambda: failures() == before + 1)
        server.put(endpoint_slice("two", "vllm", "10.0.0.2", port=8000))
        await until(lambda: len(urls(replicas)) == 2)


async def test_while_the_api_server_is_down_the_last_replicas_stay(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (server, replicas):
        server.put(endpoint_slice("one", "vllm", "10.0.0.1", port=8000))
        await until(lambda: len(urls(replicas)) == 1)
        server.down = True
        server.cut()
        await asyncio.sleep(0.2)
        assert len(urls(replicas)) == 1
        server.put(endpoint_slice("two", "vllm", "10.0.0.2", port=8000))
        server.down = False
        await until(lambda: len(urls(replicas)) == 2)


def test_outside_a_cluster_there_is_no_api_server(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no pod of a cluster"):
        Server.of_this_cluster({}, tmp_path)
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    with pytest.raises(OSError, match="no service account token"):
        Server.of_this_cluster(environment, tmp_path)
    (tmp_path / "token").write_text("t")
    assert Server.of_this_cluster(environment, tmp_path).url == "https://[fd00::1]:6443"


def pool_of(**models: Any) -> Pool:
    shared = {
        "prompt_price_usd_per_million_tokens": 0,
        "completion_price_usd_per_million_tokens": 0,
        "context_window_tokens": 4096,
    }
    return Pool.model_validate({"models": [{"id": k, **shared, **v} for k, v in models.items()]})


async def test_a_new_pool_keeps_what_is_known_of_replicas_that_stay(tmp_path: Path) -> None:
    async with (
        open_wire_client() as client,
        aiohttp.ClientSession() as session,
        asyncio.TaskGroup() as tasks,
    ):
        replicas = Replicas(ReplicaSettings(), client.stream, session, tasks)
        listed = {"endpoints": ["http://a/v1", "http://b/v1"]}
        named = {"endpoints": {"dns": {"name": "localhost", "port": 8000}}}
        replicas.use(pool_of(m=listed, n=named))
        await replicas.first_look()
        sets = replicas.sets
        assert "http://127.0.0.1:8000/v1" in urls(sets["n"])
        kept = sets["m"].replicas[1]
        replicas.use(pool_of(m={"endpoints": ["http://b/v1", "http://c/v1"]}, n=named))
        assert replicas.sets["m"].replicas[0] is kept
        assert replicas.sets["n"] is sets["n"]
        replicas.use(pool_of(m={"url": "http://b/v1"}))
        assert replicas.sets["m"].replicas == (kept,)
        replicas.stop()


async def test_all_models_of_a_namespace_share_one_watch(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    async with (
        running_api_server() as server,
        open_wire_client() as client,
        aiohttp.ClientSession() as session,
        asyncio.TaskGroup() as tasks,
    ):
        for number in range(250):  # three pages
            server.put(endpoint_slice(f"s{number}", f"vllm-{number}", "10.0.0.1", port=8000))
        token = tmp_path / "token"
        replicas = Replicas(
            ReplicaSettings(),
            client.stream,
            session,
            tasks,
            lambda: Server(url=server.url, token_file=token),
        )

        def sliced(number: int) -> Any:
            service = {"namespace": "models", "service": f"vllm-{number}", "port": "http"}
            return {"endpoints": {"endpoint_slices": service}}

        replicas.use(pool_of(**{f"m{number}": sliced(number) for number in range(50)}))
        await replicas.first_look()
        assert all(urls(found) == ["http://10.0.0.1:8000/v1"] for found in replicas.sets.values())
        await until(lambda: server.watches == 1)
        untouched = replicas.sets["m8"].replicas
        server.put(endpoint_slice("s7", "vllm-7", "10.0.0.7", port=8000))
        await until(lambda: urls(replicas.sets["m7"]) == ["http://10.0.0.7:8000/v1"])
        assert replicas.sets["m8"].replicas is untouched
        replicas.use(pool_of(m7=sliced(7), late=sliced(200)))
        assert urls(replicas.sets["late"]) == ["http://10.0.0.1:8000/v1"]  # is known already
        assert (server.lists, server.watches) == (3, 1)
        replicas.stop()
