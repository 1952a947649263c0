"""The end of a stream whose text turned out void, which no API can take back."""

from __future__ import annotations

from services.gateway.api import ApiError, ErrorKind


def answer_reset() -> ApiError:
    """Returns the error with which such a stream ends."""
    message = "the model that wrote the answer failed, and its text is void"
    return ApiError(ErrorKind.BACKEND, message, code="answer_reset")
