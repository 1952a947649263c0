"""Failures of an attempt: an HTTP status or error -> a `CallStatus`, and the time of a retry."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from services.router.types.ledger import CallStatus

_TOO_MANY_REQUESTS = 429
_PROXY_REFUSES = 407
_SERVERS_FAULT = {408, 424}
"""Codes below 500 that are the server's fault: a timeout (408), a failed generation of TGI (424)."""


class AttemptFailedError(Exception):
    """Raised for an attempt without a whole reply.

    Args:
        status: The status of the attempt.
        http_status: The HTTP status, if it was not 200.
        retry_after_s: Seconds that the backend asks to wait; None if it does not.
    """

    def __init__(
        self,
        status: CallStatus,
        *,
        http_status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(status.name)
        self.status = status
        self.http_status = http_status
        self.retry_after_s = retry_after_s


def status_of(code: int) -> CallStatus:
    """Returns the status of an attempt that got an HTTP status other than 200."""
    if code == _TOO_MANY_REQUESTS:
        return CallStatus.RATE_LIMITED
    if code == _PROXY_REFUSES:
        return CallStatus.UNREACHABLE
    if code >= 500 or code in _SERVERS_FAULT:
        return CallStatus.BACKEND_ERROR
    return CallStatus.REJECTED


def status_of_error(error: object) -> CallStatus:
    """Returns the status of an attempt that got an error object, by the HTTP code in it if any."""
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and 400 <= code < 600:
        return status_of(code)
    return CallStatus.BACKEND_ERROR


def read_retry_after(value: str | None) -> float | None:
    """Returns the seconds of a `Retry-After` header, which holds a number or an HTTP date."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError, OSError):
        return None
