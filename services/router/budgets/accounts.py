"""Opens the accounts of answers: knows the tenants and where their counts are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.budgets.account import Account
from services.router.budgets.callers import tenant_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.router.budgets.store import BudgetStore
    from services.router.budgets.tenants import Tenant, Tenants
    from services.router.routing.policy import Policy
    from services.router.types.deadline import Deadline
    from services.rpc.reload import Reloaded


class Accounts:
    """Who may call, and the account of each of their answers.

    Args:
        store: Keeps the tenants' counts.
        tenants: Who may call, followed as their file changes; None lets everybody, without a budget.
        lease_margin_s: How long after its deadline an answer's room stays if this router vanishes.
    """

    def __init__(
        self, store: BudgetStore, tenants: Reloaded[Tenants] | None, *, lease_margin_s: float
    ) -> None:
        self._store = store
        self._tenants = tenants
        self._lease_margin_s = lease_margin_s

    def refresh(self) -> None:
        """Reads the tenants anew if their file changed; open accounts keep their limits."""
        if self._tenants is not None:
            self._tenants.refresh()

    def tenant_of(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> Tenant:
        """Returns the tenant that a call's metadata names.

        Raises:
            UnknownTenantError: They name none.
        """
        tenants = None if self._tenants is None else self._tenants.value
        return tenant_of(metadata or (), tenants)

    def open(self, tenant: Tenant, policy: Policy, deadline: Deadline) -> Account:
        """Opens the account of one answer; whoever opens it closes it."""
        return Account(
            tenant=tenant,
            caps=policy.caps,
            store=self._store,
            deadline=deadline,
            lease_margin_s=self._lease_margin_s,
        )
