"""Opens what the settings ask for: the tenants file, and the store of the counts."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from services.router.budgets.accounts import Accounts
from services.router.budgets.memory_store import MemoryStore
from services.router.budgets.redis_store import open_redis_store
from services.router.budgets.tenants import load_tenants
from services.rpc.breaker import Breaker
from services.rpc.file_problems import FileProblemsError
from services.rpc.reload import Reloaded
from services.rpc.server import StartUpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.router.budgets.store import BudgetStore
    from services.router.budgets.tenants import Tenants
    from services.router.config import RouterServiceConfig


@asynccontextmanager
async def open_accounts(config: RouterServiceConfig) -> AsyncIterator[Accounts]:
    """Opens the accounts of a router.

    Raises:
        StartUpError: The tenants file or the file with Redis's URL cannot be used.
    """
    tenants = _tenants(config)
    async with open_store(config) as store:
        yield Accounts(store, tenants, lease_margin_s=config.budget_lease_margin_s)


@asynccontextmanager
async def open_store(config: RouterServiceConfig) -> AsyncIterator[BudgetStore]:
    """Opens the store of the counts: Redis where there is a URL, else memory.

    Raises:
        StartUpError: The file with the URL cannot be used.
    """
    path = config.budget_redis_url_file
    if path is None:
        yield MemoryStore()
        return
    async with AsyncExitStack() as stack:
        try:
            opened = open_redis_store(
                path.read_text(encoding="utf-8").strip(),
                timeout_s=config.budget_timeout_s,
                breaker=Breaker(
                    failure_limit=config.breaker_failure_count, open_s=config.breaker_open_s
                ),
            )
            store = await stack.enter_async_context(opened)
        except (OSError, ValueError) as error:
            message = f"{path} cannot be read, or what it holds is no URL of a Redis"
            raise StartUpError(message) from error
        yield store


def _tenants(config: RouterServiceConfig) -> Reloaded[Tenants] | None:
    path = config.tenants_file
    if path is None:
        return None
    try:
        return Reloaded("tenants", [path], partial(load_tenants, path))
    except FileProblemsError as error:
        raise StartUpError("the tenants file cannot be used", error.problems) from error
