"""Runs one attempt over HTTP: request -> POST -> bytes -> reader of the dialect -> text.

Bytes that arrive together become one piece of text, so that a fast backend costs few wake-ups. Every
failure becomes a `CallStatus`.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import structlog

from services.router.backends.dialects.backend_dialects import dialect_of
from services.router.backends.dialects.dialect import request_headers
from services.router.backends.http.attempt_failure import (
    AttemptFailedError,
    read_retry_after,
    status_of,
    status_of_error,
)
from services.router.backends.http.body import (
    BUFFER_BYTES,
    BoundedBody,
    read_whole,
    refuse_compression,
)
from services.router.backends.http.connection import bounded_connector
from services.router.backends.http.proxy import PROXY_ERRORS, Proxies, proxy_message, proxy_refusal
from services.router.pool.backend_files import CaFileError, KeyFileError, read_ca_file
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, AsyncIterator

    from services.router.backends.dialects.dialect import Dialect, Request
    from services.router.backends.dialects.served_models import Catalogue
    from services.router.backends.http.exchange import Exchange
    from services.router.backends.http.reader import Reader
    from services.router.pool.model import PoolModel

_log = structlog.get_logger()
_CONNECT_TIMEOUT_S = 5.0
_MAX_ERROR_BYTES = 1 << 16


@asynccontextmanager
async def open_wire_client() -> AsyncIterator[WireClient]:
    """Opens the connection pool that all attempts share."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S)
    async with aiohttp.ClientSession(
        connector=bounded_connector(),
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
        read_bufsize=BUFFER_BYTES,
    ) as session:
        yield WireClient(session, Proxies(os.environ))


class WireClient:
    """Runs attempts over HTTP. Whoever awaits it sets the deadline."""

    def __init__(self, session: aiohttp.ClientSession, proxies: Proxies) -> None:
        self._session = session
        self._proxies = proxies

    async def catalogue(self, model: PoolModel, base_url: str) -> Catalogue:
        """Returns the models that the server at an endpoint lists.

        Raises:
            AttemptFailedError: It does not answer, or not in this dialect.
        """
        dialect = dialect_of(model)
        url = dialect.catalogue_url(base_url)
        proxy = self._proxies.proxy_of(model, base_url)
        try:
            headers, tls = request_headers(model, "application/json"), _tls(model)
            async with self._session.get(
                url, headers=headers, ssl=tls, proxy=proxy, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise _refusal(response)
                return dialect.catalogue(json.loads(await read_whole(response)))
        except (aiohttp.ClientError, OSError) as error:
            raise AttemptFailedError(CallStatus.UNREACHABLE) from error
        except (ValueError, RecursionError) as error:
            raise AttemptFailedError(CallStatus.MALFORMED) from error

    async def stream(self, exchange: Exchange) -> AsyncGenerator[str, None]:
        """Yields the raw reply in pieces as it comes, and updates the exchange.

        Raises:
            AttemptFailedError: The attempt brought no whole reply.
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
                proxy=self._proxies.proxy_of(exchange.model, exchange.base_url),
                allow_redirects=False,
            ) as response:
                refuse_compression(response)
                await _check(response)
                async with aclosing(_texts(exchange, dialect.reader(exchange), response)) as texts:
                    async for text in texts:
                        yield text
        except PROXY_ERRORS as error:
            exchange.backend_message = proxy_message(error)
            raise AttemptFailedError(
                CallStatus.UNREACHABLE, http_status=proxy_refusal(error)
            ) from error
        except aiohttp.ClientResponseError as error:
            raise AttemptFailedError(CallStatus.MALFORMED) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise AttemptFailedError(CallStatus.UNREACHABLE) from error


def _prepare(dialect: Dialect, exchange: Exchange) -> tuple[Request, ssl.SSLContext | bool]:
    """Returns the request, and the TLS context of the backend."""
    model = exchange.model
    try:
        return dialect.request(exchange), _tls(model)
    except (KeyFileError, CaFileError) as error:  # it has changed since the pool file was read
        name = "ca_file" if isinstance(error, CaFileError) else "api_key_file"
        exchange.backend_message = f"{name}: {error}"
        path = str(getattr(model, name))
        _log.warning("file_unusable", model_id=model.id, field=name, file=path, error=str(error))
        raise AttemptFailedError(CallStatus.UNREACHABLE) from error


def _tls(model: PoolModel) -> ssl.SSLContext | bool:
    return True if model.ca_file is None else read_ca_file(model.ca_file)


async def _texts(
    exchange: Exchange, reader: Reader, response: aiohttp.ClientResponse
) -> AsyncGenerator[str, None]:
    body = BoundedBody(response, exchange)
    try:
        while data := await body.read():
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
    """Raises a failure unless the response is a stream."""
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
