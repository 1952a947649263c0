"""Headers of errors: when another try is worth it, and where it would cost money again."""

from __future__ import annotations

from services.gateway.api import ApiError, ErrorKind

_RETRIED = frozenset({408, 409, 429})
"""Statuses below 500 at which clients try again unless `x-should-retry` is false."""


def error_headers(error: ApiError, status: int) -> dict[str, str]:
    """Returns the headers of an error that is sent with a status."""
    headers: dict[str, str] = {}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after_s)))
        headers["retry-after-ms"] = str(max(1, round(error.retry_after_s * 1000)))
    if not error.retryable and (status in _RETRIED or status >= 500):
        headers["x-should-retry"] = "false"
    if error.kind is ErrorKind.TOO_LARGE:
        headers["connection"] = "close"
    if error.kind is ErrorKind.AUTHENTICATION:
        headers["www-authenticate"] = "Bearer"
    return headers
