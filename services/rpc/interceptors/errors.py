"""Turns every exception of a handler into an error of the contract.

The details of an unexpected exception go to the log, never to the caller.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
import structlog

from routemoa.errors import InternalError, RouteMoAError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.rpc.interceptors.call import Call

_log = structlog.get_logger()


@contextmanager
def errors(call: Call) -> Iterator[None]:
    """Records the status of the call; raises `InternalError` for an unexpected exception."""
    try:
        yield
    except asyncio.CancelledError:
        call.code = grpc.StatusCode.CANCELLED
        raise
    except RouteMoAError as error:
        call.code, call.reason = error.code, error.reason
        raise
    except Exception as error:  # any exception: its details are not for the caller
        call.code, call.reason = InternalError.code, InternalError.reason
        _log.exception("call_failed", method=call.method, request_id=call.request_id)
        raise InternalError("internal error", {"request_id": call.request_id}) from error
