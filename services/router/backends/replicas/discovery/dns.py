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
        OSError, ValueError: The lookup failed or found nothing.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    addresses = {str(address[0]) for *_, address in found}
    # An address with a zone (`fe80::1%eth0`) cannot stand in a URL.
    usable = sorted(address for address in addresses if "%" not in address)
    if not usable:
        raise OSError("the name has no usable address")
    return usable


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
            urls = [base_url(a, endpoints.port, endpoints.path) for a in sorted(set(addresses))]
            listener.found(urls)
        except Exception as error:  # noqa: BLE001  # whatever a resolver raises concerns this model only
            listener.failed(error)
        await asyncio.sleep(endpoints.interval_s)
