"""`GET /console/pool`: the pool, as the page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.gateway.api import ApiError
from services.gateway.caller import metadata_of
from services.gateway.console.console_api import error_reply
from services.gateway.console.pool_view import pool_view
from services.gateway.console.replica_health import replica_health
from services.gateway.http.error_headers import error_headers
from services.gateway.http.exchange import Exchange

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from services.gateway.models import ModelNames


class PoolEndpoint:
    """The ASGI endpoint of the pool.

    Args:
        names: Looks up the models that the caller may use.
        metrics_url: The page of the router's metrics; None if there is none.
    """

    def __init__(self, names: ModelNames, metrics_url: str | None) -> None:
        self._names = names
        self._metrics_url = metrics_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        exchange = Exchange(scope, receive, send)
        try:
            catalogue = await self._names.catalogue(metadata_of(exchange))
        except ApiError as error:
            status, body = error_reply(error, exchange.request_id)
            await exchange.send_json(status, body, error_headers(error, status))
            return
        health = {} if self._metrics_url is None else await replica_health(self._metrics_url)
        view = pool_view(catalogue.models.values(), catalogue.info, health)
        await exchange.send_json(200, view, {})
