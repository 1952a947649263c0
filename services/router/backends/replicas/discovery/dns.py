"""Follows a name: looks it up again and again, and passes on the addresses that it has."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from services.router.pool.endpoints import base_url

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from services.router.backends.replicas.discovery.listener import Listener
    from services.router.pool.endpoints import DnsEndpoints


async def lookup(name: str) -> list[str]:
    """Returns the addresses of a name, by the system's resolver.

    Raises:
        OSError: There are none, or nobody can say.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def follow_name(
    endpoints: DnsEndpoints,
    listener: Listener,
    addresses_of: Callable[[str], Awaitable[Sequence[str]]] = lookup,
) -> None:
    """Tells the listener where the replicas are, at once and after every interval, until cancelled.

    A name that has no address now keeps those it had: a name server that is down says the same.
    """
    while True:
        try:
            async with asyncio.timeout(endpoints.interval_s + 5):
                addresses = await addresses_of(endpoints.name)
        except OSError as error:  # a time-out, too
            listener.failed(error)
        else:
            urls = [base_url(a, endpoints.port, endpoints.path) for a in sorted(set(addresses))]
            listener.found(urls)
        await asyncio.sleep(endpoints.interval_s)
