"""An error on the wire: error <-> `google.rpc.Status` with its details."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from routemoa.errors import (
    DOMAIN,
    ERRORS,
    FieldViolation,
    RouteMoAError,
    TransportError,
    UnknownReasonError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import grpc.aio


def to_status(error: RouteMoAError, ids: Mapping[str, str] | None = None) -> status_pb2.Status:
    """Returns the `google.rpc.Status` that carries the error over the wire.

    Args:
        error: The error.
        ids: The ids of the call, for the metadata.
    """
    details: list[
        error_details_pb2.ErrorInfo | error_details_pb2.BadRequest | error_details_pb2.RetryInfo
    ]
    details = [
        error_details_pb2.ErrorInfo(
            reason=error.reason, domain=DOMAIN, metadata={**error.metadata, **(ids or {})}
        )
    ]
    if error.violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=v.field, description=v.description
                    )
                    for v in error.violations
                ]
            )
        )
    if error.retry_delay_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(timedelta(seconds=error.retry_delay_s))
        details.append(retry)
    status = status_pb2.Status(code=error.code.value[0], message=error.message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def from_rpc_error(rpc_error: grpc.aio.AioRpcError) -> RouteMoAError:
    """Returns the error that the server raised, or a `TransportError` where none spoke."""
    status: status_pb2.Status | None = None
    with suppress(ValueError):  # the deadline passed meanwhile: client and server contradict
        status = rpc_status.from_call(rpc_error)  # type: ignore[arg-type]  # an AioRpcError has the call's three methods
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for packed in status.details if status else ():
        for detail in (info, bad_request, retry):
            if packed.Is(detail.DESCRIPTOR):
                packed.Unpack(detail)
    message = rpc_error.details() or rpc_error.code().name
    if info.domain != DOMAIN:
        return TransportError(rpc_error.code(), message)
    error: RouteMoAError
    if info.reason in ERRORS:
        kind = ERRORS[info.reason]
        error = kind.__new__(kind)
        RouteMoAError.__init__(error, message, dict(info.metadata))
    else:
        error = UnknownReasonError(info.reason, rpc_error.code(), message, dict(info.metadata))
    error.violations = tuple(
        FieldViolation(field=v.field, description=v.description)
        for v in bad_request.field_violations
    )
    if retry.HasField("retry_delay"):
        error.retry_delay_s = retry.retry_delay.ToTimedelta().total_seconds()
    return error
