"""Turns what a handler raises into a `google.rpc.Status`; what is not in the table stays inside."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc
import structlog

from routemoa.errors import InternalError, RouteMoAError, to_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.rpc.interceptors.guard import Call

_DETAILS_KEY = "grpc-status-details-bin"
_log = structlog.get_logger()


@asynccontextmanager
async def errors(call: Call) -> AsyncIterator[None]:
    """Ends the call with the status of what was raised; unknown exceptions become INTERNAL."""
    try:
        yield
    except asyncio.CancelledError:
        call.code = grpc.StatusCode.CANCELLED
        raise
    except RouteMoAError as error:
        await _abort(call, error)
    except Exception:  # noqa: BLE001  # the one place: whatever it is, the caller learns nothing of it
        _log.exception("call_failed", method=call.method, request_id=call.request_id)
        await _abort(call, InternalError("internal error", {"request_id": call.request_id}))


async def _abort(call: Call, error: RouteMoAError) -> None:
    call.code, call.reason = error.code, error.reason
    details = to_status(error).SerializeToString()
    await call.context.abort(error.code, error.message, ((_DETAILS_KEY, details),))
