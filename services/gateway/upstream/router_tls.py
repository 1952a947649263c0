"""Reopens the connection to the router when its TLS files change."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from services.rpc.channel import Connection
from services.rpc.file_problems import FileProblemsError
from services.rpc.reload import Reloaded
from services.rpc.server import StartUpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.config import GatewayServiceConfig
    from services.rpc.tls import Pem

CHECK_INTERVAL_S = 5.0
_log = structlog.get_logger()


@asynccontextmanager
async def router_connection(config: GatewayServiceConfig) -> AsyncIterator[Connection]:
    """Yields the connection to the router, which follows its TLS files.

    Raises:
        StartUpError: The TLS files cannot be used.
    """
    files = config.router_tls
    try:
        tls = None if files is None else Reloaded("router_tls", files.paths, files.load)
    except FileProblemsError as error:
        message = "the TLS files for the router cannot be used"
        raise StartUpError(message, error.problems) from error
    pem = None if tls is None else tls.value
    async with Connection(config.router_address, pem, grace_s=config.default_timeout_s) as router:
        if tls is None:
            yield router
            return
        watch = asyncio.create_task(_follow(tls, router))
        try:
            yield router
        finally:
            watch.cancel()


async def _follow(tls: Reloaded[Pem], router: Connection) -> None:
    while True:
        await asyncio.sleep(CHECK_INTERVAL_S)
        try:
            if await asyncio.to_thread(tls.refresh):
                await router.reopen(tls.value)
        except Exception as error:  # noqa: BLE001  # files are watched as long as the gateway runs
            _log.error("file_check_failed", error=type(error).__name__)
