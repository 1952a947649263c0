"""Says which tenant a call is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.errors import UnknownTenantError
from services.router.budgets.tenants import ANONYMOUS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.router.budgets.tenants import Tenant, Tenants

TENANT_KEY = "x-routemoa-tenant"
_TOKEN_KEY = "authorization"  # noqa: S105  # the name of a header
_SCHEME = "bearer "


def tenant_of(metadata: Iterable[tuple[str, str | bytes]], tenants: Tenants | None) -> Tenant:
    """Returns the tenant that a call's metadata names.

    Where the file trusts the gateway's header and there is one, it decides; else the bearer token does.

    Raises:
        UnknownTenantError: They name none.
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
        raise UnknownTenantError("the call's token is no tenant's")
    return tenant
