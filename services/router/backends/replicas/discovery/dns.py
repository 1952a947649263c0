"""DNS discovery: looks up a name at intervals and reports its addresses."""

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
    """Returns the addresses of a name from the system's resolver.

    Raises:
        OSError: The lookup failed or found nothing.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def follow_name(
    endpoints: DnsEndpoints,
    listener: Listener,
    addresses_of: Callable[[str], Awaitable[Sequence[str]]] = lookup,
) -> None:
    """Looks up a name now and after every interval, until cancelled.

    If a lookup fails or finds nothing, the last addresses stay: a name server that is down looks the
    same.
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
