"""Opens what the settings ask for: the tenants file, and the store of the counts."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from services.router.budgets.accounts import Accounts
from services.router.budgets.memory_store import MemoryStore
from services.router.budgets.redis_store import open_redis_store
from services.router.budgets.tenants import load_tenants
from services.rpc.reload import FileProblemsError, Reloaded
from services.rpc.server import StartUpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from services.router.budgets.settings import BudgetSettings
    from services.router.budgets.store import BudgetStore
    from services.router.budgets.tenants import Tenants
    from services.rpc.breaker import Breaker


@asynccontextmanager
async def open_accounts(
    tenants_file: Path | None, settings: BudgetSettings, breaker: Breaker
) -> AsyncIterator[Accounts]:
    """Opens the accounts of a router.

    Args:
        tenants_file: The tenants and their budgets; None lets everybody call, without a budget.
        settings: Where the counts are kept.
        breaker: Stops asking a Redis that keeps failing.

    Raises:
        StartUpError: The tenants file or the file with Redis's URL cannot be used.
    """
    tenants = _tenants(tenants_file)
    async with open_store(settings, breaker) as store:
        yield Accounts(store, tenants)


@asynccontextmanager
async def open_store(settings: BudgetSettings, breaker: Breaker) -> AsyncIterator[BudgetStore]:
    """Opens the store of the counts: Redis where there is a URL, else memory.

    Raises:
        StartUpError: The file with the URL cannot be used.
    """
    path = settings.redis_url_file
    if path is None:
        yield MemoryStore()
        return
    async with AsyncExitStack() as stack:
        try:
            opened = open_redis_store(
                path.read_text(encoding="utf-8").strip(),
                timeout_s=settings.timeout_s,
                breaker=breaker,
            )
            store = await stack.enter_async_context(opened)
        except (OSError, ValueError) as error:
            message = f"{path} cannot be read, or what it holds is no URL of a Redis"
            raise StartUpError(message) from error
        yield store


def _tenants(path: Path | None) -> Reloaded[Tenants] | None:
    if path is None:
        return None
    try:
        return Reloaded("tenants", [path], partial(load_tenants, path))
    except FileProblemsError as error:
        raise StartUpError("the tenants file cannot be used", error.problems) from error
