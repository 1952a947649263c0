"""The tenants file: who may call, and what each may spend.

A token stands in the file as its SHA-256, so that whoever reads the file cannot call with it.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.router.pool.yaml_file import YamlFile
from services.router.types.amounts import nano_usd
from services.router.types.resource_limits import Caps, Limits, Window

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAX_COUNT = 10**15
"""Sums of such counts are exact in the numbers that Redis's scripts have."""
_MAX_USD = 10**6
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=_MAX_COUNT, strict=True)]


class Allowance(BaseModel):
    """What may be spent in one window; what is left out has no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: Count | None = None
    tokens: Count | None = None
    usd: Annotated[float, Field(ge=0, le=_MAX_USD, allow_inf_nan=False)] | None = None

    @property
    def caps(self) -> Caps:
        """The same, in whole numbers."""
        usd = None if self.usd is None else nano_usd(self.usd)
        return Caps(calls=self.calls, tokens=self.tokens, nano_usd=usd)


class Tenant(BaseModel):
    """One tenant, as the operator describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")
    token_sha256: tuple[Sha256, ...] = Field(
        default=(), description="SHA-256 of each token, in hexadecimal digits."
    )
    concurrent_answers: Annotated[int, Field(ge=1, le=_MAX_COUNT, strict=True)] | None = Field(
        default=None, description="Answers in the making at one time."
    )
    per_minute: Allowance | None = None
    per_hour: Allowance | None = None
    per_day: Allowance | None = None

    @cached_property
    def limits(self) -> Limits:
        """The tenant's limits."""
        windows = {window: getattr(self, window.key) for window in Window}
        return Limits(
            concurrent_answers=self.concurrent_answers,
            windows={window: a.caps for window, a in windows.items() if a is not None},
        )


class Tenants(BaseModel):
    """Everyone who may call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trust_header: bool = Field(
        default=False,
        description="Whether `x-routemoa-tenant` is believed. Only behind a gateway that sets it.",
    )
    tenants: tuple[Tenant, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Tenant]:
        """The tenants by their ids, in file order."""
        return {tenant.id: tenant for tenant in self.tenants}

    def with_token(self, token: str) -> Tenant | None:
        """Returns the tenant of a token; the time that takes says nothing of how near a guess is."""
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
        found = None
        for tenant in self.tenants:
            for known in tenant.token_sha256:
                if hmac.compare_digest(known, digest):
                    found = tenant
        return found


ANONYMOUS = Tenant(id="anonymous")
"""Whoever calls a router that knows no tenants; without limits."""


def load_tenants(path: Path) -> Tenants:
    """Returns the tenants that a file describes.

    Raises:
        FileProblemsError: The file is missing, is not YAML or has problems; all are listed.
    """
    return YamlFile(Tenants, path).check(_contradictions)


def _contradictions(file: YamlFile[Tenants]) -> list[str]:
    tenants = file.value.tenants
    problems = [] if tenants else [file.problem(("tenants",), "is empty, so nobody may call")]
    ids: set[str] = set()
    digests: dict[str, str] = {}
    for number, tenant in enumerate(tenants):
        if tenant.id in ids:
            problems.append(file.problem(("tenants", number, "id"), f"{tenant.id} is listed twice"))
        ids.add(tenant.id)
        if not tenant.token_sha256 and not file.value.trust_header:
            text = "has no token_sha256 and trust_header is off, so nobody can be this tenant"
            problems.append(file.problem(("tenants", number), text))
        for at, digest in enumerate(tenant.token_sha256):
            owner = digests.setdefault(digest, tenant.id)
            if owner != tenant.id:
                location = ("tenants", number, "token_sha256", at)
                problems.append(file.problem(location, f"is a token of {owner}, too"))
    return problems
