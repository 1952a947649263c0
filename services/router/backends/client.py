"""Runs one attempt over HTTP: request -> POST -> bytes -> reader of the dialect -> pieces.

Texts that arrive together become one piece, so that a fast backend costs few wake-ups. Every
failure becomes a `CallStatus`.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING

import aiohttp
import structlog

from services.router.backends.dialects.backend_dialects import dialect_of
from services.router.backends.dialects.dialect import request_headers
from services.router.backends.http.attempt_failure import (
    AttemptFailedError,
    retry_after_s,
    status_of_error,
)
from services.router.backends.http.backend_message import backend_message, secrets_of
from services.router.backends.http.body import (
    BUFFER_BYTES,
    BoundedBody,
    read_whole,
    refuse_compression,
)
from services.router.backends.http.connection import bounded_connector
from services.router.backends.http.error_objects import ErrorObject, read_error_body
from services.router.backends.http.proxy import PROXY_ERRORS, Proxies, proxy_message, proxy_refusal
from services.router.pool.backend_files import CaFileError, KeyFileError, read_ca_file
from services.router.types.ledger import CallStatus, FinishReason

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, AsyncIterator

    from services.router.backends.dialects.dialect import Dialect, Request
    from services.router.backends.dialects.served_models import Catalogue
    from services.router.backends.http.exchange import Exchange
    from services.router.backends.http.reader import Reader
    from services.router.pool.model import PoolModel
    from services.router.types.pieces import Piece

_log = structlog.get_logger()
_CONNECT_TIMEOUT_S = 5.0
_MAX_ERROR_BYTES = 1 << 16
_ERROR_BODY_WAIT_S = 1.0
"""Longest wait for the words of a refusal; its status is known before."""
_LARGE_BODY_BYTES = 1 << 20
_USAGE_WAIT_S = 0.5
"""Longest wait for the usage after the finish reason, or further text: the reply is whole."""


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
                    raise await _refusal(response)
                return dialect.catalogue(json.loads(await read_whole(response)))
        except (aiohttp.ClientError, OSError) as error:
            raise AttemptFailedError(CallStatus.UNREACHABLE) from error
        except (ValueError, RecursionError) as error:
            raise AttemptFailedError(CallStatus.MALFORMED) from error

    async def stream(self, exchange: Exchange) -> AsyncGenerator[Piece, None]:
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
                data=_payload(request.body),
                headers={**dict(exchange.trace_headers), **request.headers},
                ssl=tls,
                proxy=self._proxies.proxy_of(exchange.model, exchange.base_url),
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise await _refusal(response)
                refuse_compression(response)
                reader = dialect.reader(exchange)
                async with aclosing(_pieces(exchange, reader, response)) as pieces:
                    async for piece in pieces:
                        yield piece
        except AttemptFailedError as error:
            _record_words(exchange, request, error)
            raise
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
    except AttemptFailedError as error:  # the backend has no form for a part of the request
        exchange.backend_message = error.words
        raise
    except (KeyFileError, CaFileError) as error:  # it has changed since the pool file was read
        name = "ca_file" if isinstance(error, CaFileError) else "api_key_file"
        exchange.backend_message = f"{name}: {error}"
        path = str(getattr(model, name))
        _log.warning("file_unusable", model_id=model.id, field=name, file=path, error=str(error))
        raise AttemptFailedError(CallStatus.UNREACHABLE) from error


def _payload(body: bytes) -> bytes | io.BytesIO:
    """Returns a body as aiohttp takes it: a large one in parts, so that other calls go on."""
    return body if len(body) < _LARGE_BODY_BYTES else io.BytesIO(body)


def _tls(model: PoolModel) -> ssl.SSLContext | bool:
    return True if model.ca_file is None else read_ca_file(model.ca_file)


async def _pieces(
    exchange: Exchange, reader: Reader, response: aiohttp.ClientResponse
) -> AsyncGenerator[Piece, None]:
    broken: Exception | None = None
    body = BoundedBody(response, exchange)
    try:
        while data := await body.read():
            for piece in reader.read(data):
                exchange.add(piece)
                yield piece
            if reader.failure is not None:
                raise reader.failure
            if reader.finished:
                break
    except (aiohttp.ClientError, OSError) as error:
        broken = error  # the reply may be whole nevertheless
    if reader.finished and not reader.done:
        async with aclosing(_rest(reader, body)) as rest:
            async for piece in rest:
                exchange.add(piece)
                yield piece
    for piece in _held(reader):
        exchange.add(piece)
        yield piece
    if reader.failure is not None:
        raise reader.failure
    if not reader.finished:
        raise AttemptFailedError(CallStatus.INTERRUPTED) from broken
    if exchange.finish_reason is FinishReason.CONTENT_FILTER and exchange.has_answer:
        raise AttemptFailedError(CallStatus.REJECTED)  # the filter took the rest of the answer


async def _rest(reader: Reader, body: BoundedBody) -> AsyncGenerator[Piece, None]:
    """Yields the pieces after the finish reason; usually only the usage follows, at once."""
    until_s = asyncio.get_running_loop().time() + _USAGE_WAIT_S
    while reader.finished and not reader.done and reader.failure is None:
        data = await _read_until(until_s, body)
        if not data:
            break
        if pieces := reader.read(data):
            for piece in pieces:
                yield piece
            until_s = asyncio.get_running_loop().time() + _USAGE_WAIT_S


def _held(reader: Reader) -> list[Piece]:
    """Returns the pieces that were held until the end of the stream."""
    pieces = reader.end()
    return pieces + reader.finish() if reader.finished else pieces


async def _read_until(until_s: float, body: BoundedBody) -> bytes:
    """Returns what comes until then; nothing at the end, however the connection ends."""
    with suppress(TimeoutError, AttemptFailedError, aiohttp.ClientError, OSError):
        async with asyncio.timeout_at(until_s):
            return await body.read()
    return b""


async def _refusal(response: aiohttp.ClientResponse) -> AttemptFailedError:
    """Returns the failure that a response with another status than 200 stands for."""
    compressed = "Content-Encoding" in response.headers
    error = ErrorObject() if compressed else read_error_body(await _read_start(response))
    return AttemptFailedError(
        status_of_error(error, response.status),
        http_status=response.status,
        retry_after_s=retry_after_s(response.headers),
        words=error.message,
        filtered=error.is_filter,
    )


async def _read_start(response: aiohttp.ClientResponse) -> bytes:
    """Returns the start of a body, or all of it if it is short; not more than comes at once."""
    body = bytearray()
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(_ERROR_BODY_WAIT_S):
            while len(body) < _MAX_ERROR_BYTES and (data := await response.content.readany()):
                body += data
    return bytes(body[:_MAX_ERROR_BYTES])


def _record_words(exchange: Exchange, request: Request, error: AttemptFailedError) -> None:
    """Records the backend's words about a failure, which may echo the key, without it."""
    exchange.http_status = error.http_status
    if error.filtered:
        exchange.finish_reason = FinishReason.CONTENT_FILTER
    exchange.backend_message = backend_message(
        error.words, http_status=error.http_status, secrets=secrets_of(request.headers)
    )
    if exchange.backend_message:
        _log.debug(
            "backend_failed",
            model_id=exchange.model.id,
            status=error.status.name,
            message=exchange.backend_message,
        )
