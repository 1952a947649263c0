"""Watches the files of the router and applies each change: pool, tenants, TLS files of dependencies.

pool file -> new pipeline; tenants file -> new limits; TLS files -> new channels. Calls in flight finish
with the values that they began with.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.router.budgets.accounts import Accounts
    from services.router.pool.pool import Pool
    from services.rpc.channel import Connection
    from services.rpc.reload import Reloaded
    from services.rpc.tls import Pem

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWatcher:
    """Checks the files at an interval; applies the changes that are valid."""

    pool: Reloaded[Pool]
    use_pool: Callable[[Pool], None]
    """Called with each new pool."""
    accounts: Accounts
    tls: Reloaded[Pem] | None
    connections: tuple[Connection, ...]
    """Reopened when the TLS files change."""
    interval_s: float

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Checks the files until the block ends."""
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(self._watch())
            try:
                yield
            finally:
                watch.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self.interval_s)
            try:
                await self._check()
            except Exception as error:  # noqa: BLE001  # files are watched as long as the router runs
                _log.error("file_check_failed", error=type(error).__name__)

    async def _check(self) -> None:
        # In a thread: to load a large pool takes longer than calls should wait.
        if await asyncio.to_thread(self.pool.refresh):
            self.use_pool(self.pool.value)
        await asyncio.to_thread(self.accounts.refresh)
        if self.tls is not None and await asyncio.to_thread(self.tls.refresh):
            async with asyncio.TaskGroup() as tasks:
                for connection in self.connections:
                    tasks.create_task(connection.reopen(self.tls.value))
