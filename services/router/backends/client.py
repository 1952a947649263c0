"""One attempt over HTTP: request -> POST -> bytes -> reader of the dialect -> text.

Everything that arrived together leaves together, so that a fast backend costs few wake-ups. Every
failure becomes a `CallStatus`.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from services.router.backends.dialects.dialect import request_headers
from services.router.backends.dialects.registry import dialect_of
from services.router.backends.http.attempt_failure import (
    AttemptFailedError,
    read_retry_after,
    status_of,
    status_of_error,
)
from services.router.pool.ca_file import read_ca_file
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, AsyncIterator

    from services.router.backends.dialects.dialect import Dialect, Request
    from services.router.backends.dialects.served_models import Catalogue
    from services.router.backends.http.exchange import Exchange
    from services.router.backends.http.reader import Reader
    from services.router.pool.pool import PoolModel

_CONNECT_TIMEOUT_S = 5.0
# Below the five seconds after which common backends close an idle connection, so that a request is
# never sent into a closing one.
_KEEPALIVE_S = 4.0
_MAX_ERROR_BYTES = 1 << 16


@asynccontextmanager
async def open_wire_client() -> AsyncIterator[WireClient]:
    """Opens the connection pool that all attempts share."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield WireClient(session)


class WireClient:
    """Runs attempts over HTTP. It sets no deadline: whoever awaits it does."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def catalogue(self, model: PoolModel, base_url: str) -> Catalogue:
        """Returns what the server at an endpoint says it serves.

        Raises:
            AttemptFailedError: It does not answer, or not as a backend of this kind.
        """
        dialect = dialect_of(model)
        url = dialect.catalogue_url(base_url)
        try:
            headers, tls = request_headers(model, "application/json"), _tls(model)
            async with self._session.get(
                url, headers=headers, ssl=tls, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise _refusal(response)
                return dialect.catalogue(await response.json(content_type=None))
        except (aiohttp.ClientError, OSError) as error:
            raise AttemptFailedError(CallStatus.UNREACHABLE) from error
        except (ValueError, RecursionError) as error:
            raise AttemptFailedError(CallStatus.MALFORMED) from error

    async def stream(self, exchange: Exchange) -> AsyncGenerator[str, None]:
        """Yields the raw reply in pieces as it comes and keeps the exchange's record.

        Raises:
            AttemptFailedError: No whole reply came.
        """
        dialect = dialect_of(exchange.model)
        request, tls = _prepare(dialect, exchange)
        exchange.sent = True
        try:
            async with self._session.post(
                request.url,
                data=request.body,
                headers=request.headers,
                ssl=tls,
                allow_redirects=False,
            ) as response:
                await _check(response)
                async with aclosing(_texts(exchange, dialect.reader(exchange), response)) as texts:
                    async for text in texts:
                        yield text
        except aiohttp.ClientResponseError as error:
            raise AttemptFailedError(CallStatus.MALFORMED) from error
        except (aiohttp.ClientError, OSError) as error:
            raise AttemptFailedError(CallStatus.UNREACHABLE) from error


def _prepare(dialect: Dialect, exchange: Exchange) -> tuple[Request, ssl.SSLContext | bool]:
    """Returns what is sent, and by which CAs the backend is known."""
    try:
        return dialect.request(exchange), _tls(exchange.model)
    except (
        OSError,
        ValueError,
    ) as error:  # the key's file or the CAs' is gone, or is none any more
        raise AttemptFailedError(CallStatus.UNREACHABLE) from error


def _tls(model: PoolModel) -> ssl.SSLContext | bool:
    return True if model.ca_file is None else read_ca_file(model.ca_file)


async def _texts(
    exchange: Exchange, reader: Reader, response: aiohttp.ClientResponse
) -> AsyncGenerator[str, None]:
    try:
        async for data in response.content.iter_any():
            text = reader.read(data)
            if text:
                exchange.add_text(text)
                yield text
            if reader.failure is not None:
                raise reader.failure
            if reader.done:
                break
    except (aiohttp.ClientError, OSError) as error:
        raise AttemptFailedError(CallStatus.INTERRUPTED) from error
    if not reader.finished:
        raise AttemptFailedError(CallStatus.INTERRUPTED)
    text = reader.finish()
    if text:
        exchange.add_text(text)
        yield text


def _refusal(response: aiohttp.ClientResponse) -> AttemptFailedError:
    return AttemptFailedError(
        status_of(response.status),
        http_status=response.status,
        retry_after_s=read_retry_after(response.headers.get("Retry-After")),
    )


async def _check(response: aiohttp.ClientResponse) -> None:
    """Raises the failure that a response is, unless a stream follows."""
    if response.status != 200:
        raise _refusal(response)
    if response.content_type == "application/json":  # one object instead of a stream
        raise _failure_in(await _read_start(response))


async def _read_start(response: aiohttp.ClientResponse) -> bytes:
    """Returns the start of a body, or all of it if it is short."""
    try:
        return await response.content.readexactly(_MAX_ERROR_BYTES)
    except asyncio.IncompleteReadError as short:
        return short.partial


def _failure_in(body: bytes) -> AttemptFailedError:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return AttemptFailedError(CallStatus.MALFORMED)
    said = value.get("error") if isinstance(value, dict) else None
    return AttemptFailedError(status_of_error(said) if said else CallStatus.MALFORMED)
