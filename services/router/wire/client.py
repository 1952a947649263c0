"""One attempt over HTTP: request -> POST -> bytes -> reader of the dialect -> text.

Everything that arrived together leaves together, so that a fast backend costs few wake-ups. Every
failure becomes a `CallStatus`.
"""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from services.router.ledger import CallStatus
from services.router.wire.exchange import AttemptFailedError
from services.router.wire.registry import dialect_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from services.router.wire.dialect import Reader
    from services.router.wire.exchange import Exchange

_CONNECT_TIMEOUT_S = 5.0
# Below the five seconds after which common backends close an idle connection, so that a request is
# never sent into a closing one.
_KEEPALIVE_S = 4.0


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

    async def stream(self, exchange: Exchange) -> AsyncGenerator[str, None]:
        """Yields the raw reply in pieces as it comes and keeps the exchange's record.

        Raises:
            AttemptFailedError: No whole reply came.
        """
        dialect = dialect_of(exchange.model)
        request = dialect.request(exchange)
        exchange.sent = True
        try:
            async with self._session.post(
                request.url, data=request.body, headers=request.headers, allow_redirects=False
            ) as response:
                _check_status(response.status)
                reader = dialect.reader(exchange)
                async with aclosing(_texts(exchange, reader, response)) as texts:
                    async for text in texts:
                        yield text
        except aiohttp.ClientResponseError as error:
            raise AttemptFailedError(CallStatus.MALFORMED) from error
        except (aiohttp.ClientError, OSError) as error:
            raise AttemptFailedError(CallStatus.UNREACHABLE) from error


async def _texts(
    exchange: Exchange, reader: Reader, response: aiohttp.ClientResponse
) -> AsyncGenerator[str, None]:
    try:
        async for data in response.content.iter_any():
            text = reader.read(data)
            if text:
                exchange.add_text(text)
                yield text
            if reader.done:
                return
    except (aiohttp.ClientError, OSError) as error:
        raise AttemptFailedError(CallStatus.INTERRUPTED) from error
    if not reader.finished:
        raise AttemptFailedError(CallStatus.INTERRUPTED)


def _check_status(status: int) -> None:
    if status == 200:
        return
    if status == 429:
        raise AttemptFailedError(CallStatus.RATE_LIMITED)
    if status >= 500:
        raise AttemptFailedError(CallStatus.BACKEND_ERROR)
    raise AttemptFailedError(CallStatus.REJECTED)
