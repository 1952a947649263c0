"""The HTTP proxies between the router and its backends.

a model's `proxy` -> it; none there -> HTTPS_PROXY or HTTP_PROXY, unless NO_PROXY names the host
"""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from aiohttp import ClientHttpProxyError, ClientProxyConnectionError

from services.router.pool.endpoints import DIRECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.pool.model import PoolModel

_LOOPBACK_NAMES = {"localhost", "ip6-localhost"}
_PORTS = {"http": 80, "https": 443}

PROXY_ERRORS = (ClientHttpProxyError, ClientProxyConnectionError)


def proxy_message(error: ClientHttpProxyError | ClientProxyConnectionError) -> str:
    """Returns a message for a failure of a proxy, without its credentials."""
    if isinstance(error, ClientHttpProxyError):
        return f"the proxy answered with HTTP status {error.status}"
    return f"the proxy {error.host}:{error.port} cannot be reached"


def proxy_refusal(error: ClientHttpProxyError | ClientProxyConnectionError) -> int | None:
    """Returns the HTTP status 407 if the proxy asked for credentials."""
    status = error.status if isinstance(error, ClientHttpProxyError) else None
    return status if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED else None


class Proxies:
    """The proxies of all endpoints.

    Args:
        environment: The environment variables of the process.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._cached: dict[str, str | None] = {}

    def proxy_of(self, model: PoolModel, base_url: str) -> str | None:
        """Returns the URL of the proxy to an endpoint; None if it is reached directly."""
        if model.proxy is not None:
            return None if model.proxy == DIRECT else str(model.proxy)
        if model.replicas.urls is None:
            return None  # addresses that were looked up belong to this network
        if base_url not in self._cached:
            self._cached[base_url] = environment_proxy(base_url, self._environment)
        return self._cached[base_url]


def environment_proxy(url: str, environment: Mapping[str, str]) -> str | None:
    """Returns the proxy that environment variables name for a URL; None without one.

    Variables in lower case take precedence. A loopback address never has a proxy.
    """
    parts = urlsplit(url)
    proxy = _value(f"{parts.scheme}_proxy", environment)
    if not proxy or _is_direct(parts, _value("no_proxy", environment)):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _value(name: str, environment: Mapping[str, str]) -> str:
    return environment.get(name, environment.get(name.upper(), "")).strip()


def _is_direct(url: SplitResult, no_proxy: str) -> bool:
    host = (url.hostname or "").rstrip(".")
    port = url.port or _PORTS.get(url.scheme)
    entries = no_proxy.lower().replace(",", " ").split()
    return _is_loopback(host) or any(_covers(entry, host, port) for entry in entries)


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host in _LOOPBACK_NAMES or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Returns whether an entry of NO_PROXY names a host.

    An entry is `*`, an address, a network (`10.0.0.0/8`) or a domain, which covers its subdomains;
    a port may follow (`example.com:8443`, `[::1]:80`).
    """
    if entry == "*":
        return True
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:  # one of the two is a name, or the entry has a port
        pass
    name, colon, entry_port = entry.rpartition(":")
    if colon and entry_port.isdecimal():
        if int(entry_port) != port:
            return False
        entry = name.strip("[]")
    domain = entry.removeprefix("*").strip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))
