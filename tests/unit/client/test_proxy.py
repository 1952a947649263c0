"""The client reaches services directly, and through the environment's proxy only if it is asked to."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from routemoa import RouteMoAClient
from routemoa.v1 import model_pb2, scorer_service_pb2
from tests.proxies import SILENT_PROXY
from tests.unit.client.recording import RecordingScorer, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RANKING = scorer_service_pb2.RankModelsResponse(
    model_scores=[model_pb2.ModelScore(model_id="acme/large", score=0.8)]
)


async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()


@asynccontextmanager
async def running_proxy(asked: list[str]) -> AsyncIterator[str]:
    """Runs a proxy that tunnels; records the addresses that it is asked for."""

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        address = head.decode().split()[1]
        asked.append(address)
        host, _, port = address.rpartition(":")
        back, forth = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(copy(reader, forth), copy(back, writer))

    server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("asks", [False, True])
async def test_the_environments_proxy_is_used_only_by_a_client_that_asks_for_it(
    asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SILENT_PROXY:
        monkeypatch.delenv(name, raising=False)
    asked: list[str] = []
    async with running_proxy(asked) as proxy, serving(RecordingScorer(RANKING)) as address:
        monkeypatch.setenv("http_proxy", proxy)
        async with RouteMoAClient(scorer=address, proxy=asks) as client:
            assert await client.rank("Why?", timeout_s=30) == RANKING
        assert asked == ([address] if asks else [])
