"""Runs the HTTP server: listen, serve, drain."""

from __future__ import annotations

import asyncio
import math
import socket
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

import structlog
import uvicorn

from services.gateway.http.connection import LimitedConnection
from services.gateway.http.server_tls import ServerTls
from services.rpc.server import StartUpError, security

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp

    from services.rpc.config import ServerConfig

IDLE_TIMEOUT_S = 75
"""Time without a request after which a connection is closed: longer than load balancers keep theirs."""
BACKLOG = 2048
CONNECTIONS_PER_CALL = 4
"""Connections beyond this multiple of the calls, idle ones too, are answered 503."""
_CLOSE = (b"connection", b"close")
_log = structlog.get_logger()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    def end_connections(self) -> None:
        """Ends each connection with its next response, so that clients open new ones elsewhere."""
        # uvicorn makes the default headers anew each second, from those of its settings.
        self.config.encoded_headers.append(_CLOSE)
        self.server_state.default_headers = [*self.server_state.default_headers, _CLOSE]

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Leaves the signals to the process."""
        return nullcontext()


@asynccontextmanager
async def running_http_server(
    config: ServerConfig, app: ASGIApp, *, on_drain: Callable[[], None]
) -> AsyncIterator[str]:
    """Serves until the block ends, then drains. Yields the address.

    Args:
        config: The listener's settings.
        app: What is served.
        on_drain: Called when draining begins, before requests are refused.

    Raises:
        StartUpError: The address cannot be bound, or the TLS files cannot be used.
    """
    tls = None if config.tls is None else ServerTls(config.tls)
    listener = _bind(config)
    host = config.listen_address.rpartition(":")[0]
    address = f"{host}:{listener.getsockname()[1]}"
    server = _Server(_settings(config, app))
    server.config.load()
    if tls is not None:
        server.config.ssl = tls.context
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(sockets=[listener]))
        watch = None if tls is None else tasks.create_task(tls.follow())
        try:
            await server.listens.wait()
            _log.info("listening", service="gateway", address=address, tls=security(config))
            yield address
        finally:
            if watch is not None:
                watch.cancel()
            on_drain()
            server.end_connections()
            await asyncio.sleep(config.drain_delay_s)
            server.should_exit = True
    _log.info("stopped", service="gateway")


def _settings(config: ServerConfig, app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=LimitedConnection,
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # callers' mistakes are no log lines; ours are logged by the endpoints
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE_TIMEOUT_S,
        timeout_graceful_shutdown=math.ceil(config.drain_timeout_s),
        limit_concurrency=CONNECTIONS_PER_CALL * config.max_concurrent_calls,
    )


def _bind(config: ServerConfig) -> socket.socket:
    host, _, port = config.listen_address.rpartition(":")
    host = host.strip("[]")
    dual_stack = host == "::" and socket.has_dualstack_ipv6()
    if host == "::" and not dual_stack:
        host = "0.0.0.0"  # noqa: S104  # as configured; like gRPC, where there is no IPv6
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server(
            (host, int(port)),
            family=family,
            backlog=BACKLOG,
            reuse_port=config.reuse_port,
            # All addresses: those of both families, like the gRPC services.
            dualstack_ipv6=dual_stack,
        )
    except (OSError, OverflowError) as error:
        message = f"cannot listen on {config.listen_address}: is another process there?"
        raise StartUpError(message) from error
