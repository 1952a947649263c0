"""Follows the files that the router was started with: pool, tenants, TLS files for its dependencies.

Every interval: pool file changed -> new pipeline; tenants file changed -> new limits; TLS files changed
-> new channels. Calls in flight end with what they began with.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.router.budgets.accounts import Accounts
    from services.router.pool.pool import Pool
    from services.rpc.channel import Connection
    from services.rpc.reload import Reloaded
    from services.rpc.tls import Pem


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What is followed, and who is told."""

    pool: Reloaded[Pool]
    use_pool: Callable[[Pool], None]
    accounts: Accounts
    tls: Reloaded[Pem] | None
    connections: tuple[Connection, ...]


@asynccontextmanager
async def following(followed: Followed, *, interval_s: float) -> AsyncIterator[None]:
    """Looks at the files every interval until the block ends."""
    async with asyncio.TaskGroup() as tasks:
        follower = tasks.create_task(_follow(followed, interval_s))
        try:
            yield
        finally:
            follower.cancel()


async def _follow(followed: Followed, interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        # In a thread: a large pool takes longer to check than calls should wait.
        if await asyncio.to_thread(followed.pool.refresh):
            followed.use_pool(followed.pool.value)
        await asyncio.to_thread(followed.accounts.refresh)
        if followed.tls is not None and await asyncio.to_thread(followed.tls.refresh):
            async with asyncio.TaskGroup() as tasks:
                for connection in followed.connections:
                    tasks.create_task(connection.reopen(followed.tls.value))
