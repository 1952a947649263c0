"""A headless Service on loopback: a name server that answers with the addresses of ready pods.

Its answers are kept for a while, as a cluster's are; a pod is reached over a link that takes time.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import defaultdict
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_IPV4 = 1
_LINK_DELAY_S = 0.04
_CHUNK_BYTES = 64 * 1024


Hosts = defaultdict[str, list[str]]
"""The addresses of a name."""


class NameServer(asyncio.DatagramProtocol):
    """Answers questions for the IPv4 addresses of a name, and any other with nothing.

    Args:
        kept_s: How long an answer is given again, whatever has changed meanwhile.
        hosts: The addresses of every name; several name servers may share them.
    """

    def __init__(self, kept_s: float, hosts: Hosts) -> None:
        self.hosts = hosts
        self.address = ""
        self._kept_s = kept_s
        self._kept: dict[str, tuple[float, list[str]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        host, port = transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(b"\0", 12) + 5  # the question: a name, its type and its class
        (kind,) = struct.unpack("!H", data[end - 4 : end - 2])
        hosts = self._answer(_name(data[12 : end - 4])) if kind == _IPV4 else []
        head = data[:2] + struct.pack("!HHHHH", 0x8180, 1, len(hosts), 0, 0)
        answers = [
            struct.pack("!HHHIH", 0xC00C, _IPV4, 1, 0, 4) + socket.inet_aton(host) for host in hosts
        ]
        self._transport.sendto(head + data[12:end] + b"".join(answers), addr)

    def told(self, name: str) -> list[str]:
        """Returns the last answer for a name."""
        _, hosts = self._kept.get(name, (0.0, []))
        return hosts

    def _answer(self, name: str) -> list[str]:
        now_s = time.monotonic()
        until_s, hosts = self._kept.get(name, (0.0, []))
        if now_s >= until_s:
            hosts = list(self.hosts[name])
            self._kept[name] = now_s + self._kept_s, hosts
        return hosts


def _name(labels: bytes) -> str:
    parts = []
    while size := labels[0]:
        parts.append(labels[1 : size + 1].decode().lower())
        labels = labels[size + 1 :]
    return ".".join(parts)


@asynccontextmanager
async def name_server(
    *, kept_s: float = 0.0, hosts: Hosts | None = None
) -> AsyncIterator[NameServer]:
    """Runs a name server on a free port."""
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(
        lambda: NameServer(kept_s, defaultdict(list) if hosts is None else hosts),
        local_addr=("127.0.0.1", 0),
    )
    try:
        yield names
    finally:
        transport.close()


@asynccontextmanager
async def link(
    listen_host: str, host: str, port: int, tasks: asyncio.TaskGroup
) -> AsyncIterator[None]:
    """Passes connections on, every byte a little later: loopback alone hides what crosses over."""
    ends: set[asyncio.StreamWriter] = set()

    async def connect(near: asyncio.StreamReader, near_end: asyncio.StreamWriter) -> None:
        ends.add(near_end)
        try:
            far, far_end = await asyncio.open_connection(host, port)
        except OSError:
            near_end.close()
            return
        ends.add(far_end)
        tasks.create_task(_passed_on(near, far_end))
        tasks.create_task(_passed_on(far, near_end))

    server = await asyncio.start_server(
        lambda *streams: tasks.create_task(connect(*streams)), listen_host, port
    )
    try:
        yield
    finally:
        server.close()
        for end in ends:
            end.close()


async def _passed_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while data := await source.read(_CHUNK_BYTES):
            loop.call_later(_LINK_DELAY_S, target.write, data)
    loop.call_later(_LINK_DELAY_S, target.close)
