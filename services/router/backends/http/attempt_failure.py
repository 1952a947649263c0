"""How an attempt fails: what a backend says -> a `CallStatus`, and when to try again."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from services.router.types.ledger import CallStatus

_TOO_MANY_REQUESTS = 429
_SERVERS_FAULT = {408, 424}
"""Codes from 400 on by which a backend or a gateway says that it failed itself: out of time (408), and
TGI's failure while it generates (424)."""


class AttemptFailedError(Exception):
    """An attempt that brought no whole reply.

    Args:
        status: How it ended.
        http_status: What the backend answered, where that was not 200.
        retry_after_s: How long the backend asks to be left alone; None where it does not say.
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
    """Returns what an HTTP status other than 200 means."""
    if code == _TOO_MANY_REQUESTS:
        return CallStatus.RATE_LIMITED
    if code >= 500 or code in _SERVERS_FAULT:
        return CallStatus.BACKEND_ERROR
    return CallStatus.REJECTED


def status_of_error(error: object) -> CallStatus:
    """Returns what the error object in a reply means; its code is an HTTP status, if it has one."""
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and 400 <= code < 600:
        return status_of(code)
    return CallStatus.BACKEND_ERROR


def read_retry_after(value: str | None) -> float | None:
    """Returns the seconds that a `Retry-After` header asks for: a number, or a date in HTTP's form."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError, OSError):
        return None
