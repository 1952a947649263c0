"""Reads the tenants file: the tenants that may call, and their limits.

The file holds the SHA-256 of each token, so that its readers cannot call with it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.router.pool.yaml_file import YamlFile
from services.router.types.amounts import Caps, TenantLimits, Window, nano_usd

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAX_COUNT = 10**15
"""Sums of counts up to this are exact in the numbers of Redis's scripts."""
_MAX_USD = 10**6
_EMPTY = frozenset(hashlib.sha256(text.encode()).hexdigest() for text in ("", " ", "\n", "\r\n"))
"""Digests of no token: what `sha256sum` prints of a variable that is not set."""
_PROCESS_SECRET = secrets.token_bytes(32)
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=_MAX_COUNT, strict=True)]


class Allowance(BaseModel):
    """The limits for one window; an absent field means no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: Count | None = None
    tokens: Count | None = None
    usd: Annotated[float, Field(ge=0, le=_MAX_USD, allow_inf_nan=False)] | None = None

    @property
    def caps(self) -> Caps:
        """The limits in whole numbers."""
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
        default=None, description="Answers at the same time."
    )
    per_minute: Allowance | None = None
    per_hour: Allowance | None = None
    per_day: Allowance | None = None

    @cached_property
    def cache_salt(self) -> str:
        """Keeps what caches hold of tenants apart: a hash that only readers of the file can compute.

        All routers have the same one. Without tokens there is no secret to make it of, so each router
        process has its own. Empty without a tenants file.
        """
        if self is ANONYMOUS:
            return ""
        secret = "".join(self.token_sha256).encode() or _PROCESS_SECRET
        key = hashlib.blake2b(secret).digest()
        return hashlib.blake2b(self.id.encode(), key=key, digest_size=16).hexdigest()

    @cached_property
    def limits(self) -> TenantLimits:
        """The tenant's limits."""
        windows = {window: getattr(self, window.key) for window in Window}
        return TenantLimits(
            concurrent_answers=self.concurrent_answers,
            windows={window: a.caps for window, a in windows.items() if a is not None},
        )


class Tenants(BaseModel):
    """All tenants that may call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trust_header: bool = Field(
        default=False,
        description="Trust the header `x-routemoa-tenant`. Only behind a gateway that sets it.",
    )
    tenants: tuple[Tenant, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Tenant]:
        """The tenants by their ids, in file order."""
        return {tenant.id: tenant for tenant in self.tenants}

    def with_token(self, token: str) -> Tenant | None:
        """Returns the tenant of a token; compares all tokens in constant time."""
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
        found = None
        for tenant in self.tenants:
            for known in tenant.token_sha256:
                if hmac.compare_digest(known, digest):
                    found = tenant
        return found


ANONYMOUS = Tenant(id="anonymous")
"""The tenant of every call if there is no tenants file; without limits."""


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
    for index, tenant in enumerate(tenants):
        if tenant.id in ids:
            problems.append(file.problem(("tenants", index, "id"), f"{tenant.id} is listed twice"))
        ids.add(tenant.id)
        if not tenant.token_sha256 and not file.value.trust_header:
            text = "has no token_sha256 and trust_header is off, so it can never call"
            problems.append(file.problem(("tenants", index), text))
        for digest_index, digest in enumerate(tenant.token_sha256):
            field = ("tenants", index, "token_sha256", digest_index)
            if digest in _EMPTY:
                problems.append(file.problem(field, "is the digest of an empty token"))
            owner = digests.setdefault(digest, tenant.id)
            if owner != tenant.id:
                problems.append(file.problem(field, f"is also a token of {owner}"))
    return problems
