"""Failures of an attempt: an HTTP status or error -> a `CallStatus`, and the time of a retry."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from services.router.backends.http.error_objects import read_error
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.backends.http.error_objects import ErrorObject

MAX_RETRY_AFTER_S = 3600.0
"""The longest time for which a backend can ask to be left alone."""
_TOO_MANY_REQUESTS = 429
_PROXY_REFUSES = 407
_SERVERS_FAULT = {408, 424}
"""Codes below 500 that are the server's fault: a timeout (408), a failed generation of TGI (424)."""
_NO_CREDIT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
"""Kinds of errors that no retry mends, whatever the HTTP status: the account has no money left."""
_REJECTIONS = {
    *("invalid_request_error", "badrequesterror", "bad_request_error", "bad_request"),
    *("context_length_exceeded", "exceed_context_size_error", "invalid_prompt"),
    *("invalid_api_key", "authentication_error", "permission_error", "permission_denied"),
    *("model_not_found", "not_found_error", "notfounderror", "invalid_argument", "validation"),
}
_RATE_LIMITS = {
    *("rate_limit_exceeded", "rate_limit_error", "ratelimiterror", "overloaded"),
    *("too_many_requests", "resource_exhausted", "tokens_limit_reached"),
}
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]*)?", re.ASCII)


class AttemptFailedError(Exception):
    """Raised for an attempt without a whole reply.

    Args:
        status: The status of the attempt.
        http_status: The HTTP status, if it was not 200.
        retry_after_s: Seconds that the backend asks to wait; None if it does not.
        words: The backend's own words, unchecked.
        filtered: True if a content filter refused the prompt or the reply.
    """

    def __init__(
        self,
        status: CallStatus,
        *,
        http_status: int | None = None,
        retry_after_s: float | None = None,
        words: str = "",
        filtered: bool = False,
    ) -> None:
        super().__init__(status.name)
        self.status = status
        self.http_status = http_status
        self.retry_after_s = retry_after_s
        self.words = words
        self.filtered = filtered


def status_of(code: int) -> CallStatus:
    """Returns the status of an attempt that got an HTTP status other than 200."""
    if code == _TOO_MANY_REQUESTS:
        return CallStatus.RATE_LIMITED
    if code == _PROXY_REFUSES:
        return CallStatus.UNREACHABLE
    if code >= 500 or code in _SERVERS_FAULT:
        return CallStatus.BACKEND_ERROR
    return CallStatus.REJECTED


def status_of_error(error: ErrorObject, http_status: int | None = None) -> CallStatus:
    """Returns the status of an attempt that got an error.

    Args:
        error: The error.
        http_status: The status of the response, if it was not 200; else the one in the error counts.
    """
    code = http_status or error.http_status
    if error.kinds & _NO_CREDIT or error.is_filter:
        return CallStatus.REJECTED
    if code is not None:
        return status_of(code)
    if error.kinds & _RATE_LIMITS:
        return CallStatus.RATE_LIMITED
    return CallStatus.REJECTED if error.kinds & _REJECTIONS else CallStatus.BACKEND_ERROR


def failure_in(value: object, *, begun: bool) -> AttemptFailedError:
    """Returns the failure for an error within a reply.

    Args:
        value: The error, in any form.
        begun: True if text has come: a refusal before it costs nothing, after it tokens were used.
    """
    error = read_error(value)
    status = status_of_error(error)
    if begun and not error.is_filter:
        status = CallStatus.BACKEND_ERROR
    return AttemptFailedError(status, words=_coded(error), filtered=error.is_filter)


def _coded(error: ErrorObject) -> str:
    """Returns the message of an error within a reply, its HTTP status first."""
    if error.http_status is None:
        return error.message
    return f"{error.http_status}: {error.message}" if error.message else str(error.http_status)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds that a backend asks to wait, by either header; None if by none."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return min(milliseconds / 1000, MAX_RETRY_AFTER_S)
    asked_s = read_retry_after(headers.get("Retry-After"))
    return None if asked_s is None else min(asked_s, MAX_RETRY_AFTER_S)


def read_retry_after(value: str | None) -> float | None:
    """Returns the seconds of a `Retry-After` header, which holds a number or an HTTP date."""
    seconds = _number(value)
    if value is None or seconds is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(value.strip()).timestamp() - time.time())
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def _number(value: str | None) -> float | None:
    """Returns a number of at least zero, with or without a fraction; None for any other text."""
    text = "" if value is None else value.strip()
    if _SECONDS.fullmatch(text) is None:
        return None
    whole, _, fraction = text.partition(".")
    return float(f"{whole[:9]}.{fraction[:9]}0")
