"""Refuses web pages of strangers where the gateway serves its own machine alone.

A page that a person opens can send requests to a loopback address, also under a name of its own that
resolves to it (DNS rebinding). Without keys, only these headers tell it from the person's programs.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from services.gateway.api import ApiError, ErrorKind
from services.gateway.http.error_headers import error_headers
from services.gateway.http.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    ErrorBody = Callable[[ApiError, str], tuple[int, dict[str, object]]]
    """Returns the status and the body of an error, which has a request id."""

ALL = "*"
"""The origin that stands for all."""
_HEADERS = frozenset({b"host", b"origin", b"sec-fetch-site"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_HOSTS = 256
"""Hosts that are not parsed again."""
_log = structlog.get_logger()


@lru_cache(_MAX_HOSTS)
def is_loopback(host: str) -> bool:
    """Returns whether a host, without a port, is this machine by a name that no DNS answers for."""
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class ForeignPages:
    """ASGI middleware that answers requests of foreign pages with an error.

    Args:
        app: Whatever answers the others.
        origins: Origins of pages that may call; their hosts are also names of the gateway.
        error_bodies: The form of errors by path.
        other_errors: The form of errors of all other paths.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        origins: Collection[str],
        error_bodies: Mapping[str, ErrorBody],
        other_errors: ErrorBody,
    ) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._hosts = frozenset(_host_of(origin) for origin in origins)
        self._error_bodies = error_bodies
        self._other_errors = other_errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or has it answered."""
        problem = self._problem(scope)
        if problem is None:
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        error = ApiError(ErrorKind.PERMISSION, problem, code="foreign_page")
        _log.info("foreign_page_refused", path=exchange.path[:200], request_id=exchange.request_id)
        form = self._error_bodies.get(exchange.path, self._other_errors)
        status, body = form(error, exchange.request_id)
        await exchange.send_json(status, body, error_headers(error, status))

    def _problem(self, scope: Scope) -> str | None:
        """Returns the reason to refuse a request; None if there is none."""
        headers = {
            name: value.decode("latin-1") for name, value in scope["headers"] if name in _HEADERS
        }
        host = headers.get(b"host")
        if host is not None and not self._is_own(_host_of(f"//{host}")):
            return (
                "the gateway listens on this machine alone and answers to localhost, 127.0.0.1 and "
                "[::1]; to be called by another name, it needs an origin of that name in "
                "ROUTEMOA_GATEWAY_CORS_ORIGINS, or another listen address"
            )
        if scope["method"] in _READING:
            return None
        origin = headers.get(b"origin")
        if origin is not None and origin in self._origins:
            return None
        foreign = origin is not None and self._is_foreign(origin)
        if foreign or headers.get(b"sec-fetch-site") == "cross-site":
            return "pages of other origins may call only if ROUTEMOA_GATEWAY_CORS_ORIGINS has them"
        return None

    def _is_foreign(self, origin: str) -> bool:
        """Returns whether an origin is that of a web page elsewhere; programs have other schemes."""
        is_page = origin == "null" or origin.startswith(("http://", "https://"))
        return is_page and not self._is_own(_host_of(origin))

    def _is_own(self, host: str) -> bool:
        return is_loopback(host) or host in self._hosts


def _host_of(url: str) -> str:
    """Returns the host of a URL in lower case; an empty text if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
