"""Failures of calls: whatever is raised, one call ends with a status, and the others go on."""

from __future__ import annotations

import traceback

import structlog

from services.router.types.ledger import CallStatus

_log = structlog.get_logger()


class CallFailedError(Exception):
    """Raised for a call without a whole reply.

    Args:
        status: The status of its last attempt.
    """

    def __init__(self, status: CallStatus) -> None:
        super().__init__(status.name)
        self.status = status


def status_of_exception(error: Exception, model_id: str) -> CallStatus:
    """Returns the status of the call, and reports an exception that no backend should cause."""
    if isinstance(error, CallFailedError):
        return error.status
    report_unexpected(error, model_id)
    return CallStatus.MALFORMED


def report_unexpected(error: Exception, model_id: str) -> None:
    """Logs an exception by its type and origin: its text may hold what a caller or a model wrote."""
    frames = list(traceback.walk_tb(error.__traceback__))
    frame, line = frames[-1] if frames else (None, 0)
    module = frame.f_globals.get("__name__") if frame is not None else None
    _log.error(
        "call_failed_unexpectedly",
        model_id=model_id,
        error=type(error).__name__,
        raised_at=f"{module}:{line}",
    )
