"""Identifies the tenant of a call and opens the account of its answer."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from routemoa.errors import UnknownTenantError
from services.router.budgets.account import Account
from services.router.budgets.memory_store import MemoryStore
from services.router.budgets.redis_store import open_redis_store
from services.router.budgets.redis_url import RedisUrlError
from services.router.budgets.tenants import ANONYMOUS, load_tenants
from services.rpc.file_problems import FileProblemsError
from services.rpc.reload import Reloaded
from services.rpc.server import StartUpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from services.router.budgets.config import BudgetSettings
    from services.router.budgets.store import BudgetStore
    from services.router.budgets.tenants import Tenant, Tenants
    from services.router.types.amounts import Caps
    from services.router.types.deadline import Deadline
    from services.rpc.breaker import Breaker

TENANT_KEY = "x-routemoa-tenant"
_TOKEN_KEY = "authorization"  # noqa: S105  # the name of a header
_SCHEME = "bearer "

LEASE_MARGIN_S = 30.0
"""Time after its deadline until the reservations of an answer expire if its router dies. No answer
takes as long to end, so none loses a reservation that it still has to settle."""


class Accounts:
    """The tenants, and the accounts of their answers.

    Args:
        store: Keeps the tenants' counts.
        tenants: The tenants, reloaded if their file changes; None admits all callers without budget.
    """

    def __init__(self, store: BudgetStore, tenants: Reloaded[Tenants] | None) -> None:
        self._store = store
        self._tenants = tenants

    def refresh(self) -> None:
        """Reloads the tenants if their file has changed; open accounts keep their limits."""
        if self._tenants is not None:
            self._tenants.refresh()

    def tenant_of(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> Tenant:
        """Returns the tenant that a call's metadata identify.

        Raises:
            UnknownTenantError: They identify none.
        """
        tenants = None if self._tenants is None else self._tenants.value
        return tenant_of(metadata or (), tenants)

    def open(self, tenant: Tenant, caps: Caps, deadline: Deadline) -> Account:
        """Opens the account of one answer; the caller closes it."""
        return Account(
            tenant=tenant,
            caps=caps,
            store=self._store,
            deadline=deadline,
            lease_margin_s=LEASE_MARGIN_S,
        )


def tenant_of(metadata: Iterable[tuple[str, str | bytes]], tenants: Tenants | None) -> Tenant:
    """Returns the tenant that a call's metadata identify.

    The gateway's header decides if the tenants file trusts it and the call has it; else the bearer
    token decides.

    Raises:
        UnknownTenantError: They identify none.
    """
    if tenants is None:
        return ANONYMOUS
    values = {key: value for key, value in metadata if isinstance(value, str)}
    if tenants.trust_header and TENANT_KEY in values:
        tenant = tenants.by_id.get(values[TENANT_KEY])
        if tenant is None:
            raise UnknownTenantError(f"{TENANT_KEY} names no tenant")
        return tenant
    given = values.get(_TOKEN_KEY, "")
    if given[: len(_SCHEME)].lower() != _SCHEME:
        raise UnknownTenantError("the call has no bearer token")
    tenant = tenants.with_token(given[len(_SCHEME) :].strip())
    if tenant is None:
        raise UnknownTenantError("the call's token belongs to no tenant")
    return tenant


@asynccontextmanager
async def open_accounts(
    tenants_file: Path | None, settings: BudgetSettings, breaker: Breaker
) -> AsyncIterator[Accounts]:
    """Opens the accounts of a router, with their store.

    Args:
        tenants_file: The tenants; None admits all callers without budget.
        settings: The store of the counts.
        breaker: Stops calls to a Redis that keeps failing.

    Raises:
        StartUpError: The tenants file or the file with Redis's URL cannot be used.
    """
    tenants = None if tenants_file is None else _reloaded_tenants(tenants_file)
    async with AsyncExitStack() as stack:
        store: BudgetStore = MemoryStore()
        if settings.redis_url_file is not None:
            opened = open_redis_store(
                settings.redis_url_file, timeout_s=settings.timeout_s, breaker=breaker
            )
            try:
                store = await stack.enter_async_context(opened)
            except RedisUrlError as error:
                raise StartUpError(str(error)) from error
        yield Accounts(store, tenants)


def _reloaded_tenants(path: Path) -> Reloaded[Tenants]:
    try:
        return Reloaded("tenants", [path], partial(load_tenants, path))
    except FileProblemsError as error:
        raise StartUpError("the tenants file cannot be used", error.problems) from error
