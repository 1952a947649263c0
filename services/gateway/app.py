"""Builds the gateway: settings -> connection to the router -> endpoints -> HTTP server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from services.gateway.chat.chat_api import ChatCompletions
from services.gateway.chat.chat_errors import error_body
from services.gateway.chat.model_list import ModelList
from services.gateway.console.console_api import ConsoleApi
from services.gateway.console.page_files import PageEndpoint
from services.gateway.console.pool_endpoint import PoolEndpoint
from services.gateway.endpoint import Answering, Core, Endpoint
from services.gateway.feedback.recording import Recording
from services.gateway.foreign_pages import ALL, ForeignPages, is_loopback
from services.gateway.http.server import running_http_server
from services.gateway.messages.messages_api import MessagesApi
from services.gateway.models import ModelNames
from services.gateway.responses.responses_api import ResponsesApi
from services.gateway.strangers import EXCEPTION_HANDLERS
from services.gateway.upstream.health import Health
from services.gateway.upstream.router_client import RouterClient
from services.gateway.upstream.router_tls import router_connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from services.gateway.api import Api
    from services.gateway.config import GatewayServiceConfig

_EXPOSED = (
    "x-request-id",
    "request-id",
    "retry-after",
    "x-routemoa-model",
    "x-routemoa-models",
    "x-routemoa-strategy",
    "x-routemoa-layers",
    "x-routemoa-cost-usd",
    "x-routemoa-decision-id",
    "x-routemoa-uncertainty",
)


_APIS: Mapping[str, tuple[str, Api]] = {
    "/v1/chat/completions": ("chat", ChatCompletions()),
    "/v1/responses": ("responses", ResponsesApi()),
    "/v1/messages": ("messages", MessagesApi()),
    "/console/ask": ("console", ConsoleApi()),
}
"""The name and the API of each path that answers questions."""


@asynccontextmanager
async def gateway(config: GatewayServiceConfig) -> AsyncIterator[str]:
    """Serves until the block ends, then drains. Yields the address.

    Raises:
        StartUpError: The address cannot be bound, or TLS files cannot be used.
    """
    async with router_connection(config) as connection:
        router = RouterClient(connection)
        health = Health(router)
        app = gateway_app(config, router, health)
        async with running_http_server(config, app, on_drain=health.drain) as address:
            yield address


def gateway_app(config: GatewayServiceConfig, router: RouterClient, health: Health) -> Starlette:
    """Returns the ASGI application."""
    core = Core(
        router=router,
        names=ModelNames(router),
        default_timeout_s=config.default_timeout_s,
        keep_alive_s=config.keep_alive_interval_s,
        max_calls=config.max_concurrent_calls,
    )
    models = ModelList(core.names)
    page = PageEndpoint()
    routes = [
        *(
            Route(path, Endpoint(name, core, partial(Answering, api, core)), methods=["POST"])
            for path, (name, api) in _APIS.items()
        ),
        Route(
            "/v1/feedback",
            Endpoint("feedback", core, partial(Recording, core)),
            methods=["POST"],
        ),
        Route("/v1/models", models, methods=["GET"]),
        Route("/v1/models/{model_id:path}", models, methods=["GET"]),
        Route(
            "/console/pool", PoolEndpoint(core.names, config.router_metrics_url), methods=["GET"]
        ),
        Route("/console/{file}", page, methods=["GET"]),
        Route("/", page, methods=["GET"]),
        Route("/healthz", health.live, methods=["GET"]),
        Route("/readyz", health.ready, methods=["GET"]),
    ]
    return Starlette(
        routes=routes,
        middleware=_middleware(config),
        exception_handlers=EXCEPTION_HANDLERS,
    )


def _middleware(config: GatewayServiceConfig) -> list[Middleware]:
    found = []
    if config.cors_origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=config.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=_EXPOSED,
        )
        found.append(cors)
    host = config.listen_address.rpartition(":")[0]
    if is_loopback(host) and ALL not in config.cors_origins:
        guard = Middleware(
            ForeignPages,
            origins=config.cors_origins,
            error_bodies={path: api.error for path, (_, api) in _APIS.items()},
            other_errors=error_body,
        )
        found.append(guard)
    return found
