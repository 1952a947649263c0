"""Identifies a request of a tenant by its request id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.rpc.validation import Violations

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from services.router.budgets.tenants import Tenant

MAX_CHARACTERS = 128
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIdentity:
    """A request id of a tenant, and the request that it names."""

    key: str
    """A hash of tenant and request id."""
    fingerprint: bytes
    """A hash of the whole request, its method included."""


def request_identity(
    request_id: str, request: Message, tenant: Tenant, *, method: str
) -> RequestIdentity:
    """Returns the identity of a request.

    Args:
        request_id: The caller's id, not empty.
        request: The request.
        tenant: The tenant that calls.
        method: The method that was called.

    Raises:
        InvalidFieldError: The id is too long or holds other characters than visible ASCII.
    """
    visible = all("!" <= character <= "~" for character in request_id)
    if len(request_id) > MAX_CHARACTERS or not visible:
        violations = Violations()
        violations.add("request_id", f"must be at most {MAX_CHARACTERS} visible ASCII characters")
        violations.raise_if_any()
    salt = tenant.cache_salt.encode()
    key = hashlib.blake2b(request_id.encode(), digest_size=_DIGEST_BYTES, key=salt)
    content = hashlib.blake2b(f"{method}\0".encode(), digest_size=_DIGEST_BYTES)
    content.update(request.SerializeToString(deterministic=True))
    return RequestIdentity(key=key.hexdigest(), fingerprint=content.digest())
