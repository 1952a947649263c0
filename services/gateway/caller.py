"""The caller of a request: its key and the request's id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.gateway.api import ApiError, ErrorKind
from services.rpc.tracing.propagation import call_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.gateway.http.exchange import Exchange
    from services.gateway.upstream.router_client import Metadata


def metadata_of(exchange: Exchange) -> Metadata:
    """Returns the metadata of calls for a request: its id, its trace, and the caller's key.

    Raises:
        ApiError: The key cannot be a tenant's token.
    """
    token = token_of(exchange.headers)
    metadata = call_headers(exchange.origin.request_id, exchange.origin.span)
    if not token:
        return metadata
    if not (token.isascii() and token.isprintable()):
        raise ApiError(ErrorKind.AUTHENTICATION, "the key holds characters that no key has")
    return (*metadata, ("authorization", f"Bearer {token}"))


def token_of(headers: Mapping[str, str]) -> str:
    """Returns the caller's key: a tenant's token; an empty text if there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key", "").strip()
