from __future__ import annotations

import grpc
import grpc.aio

from routemoa.errors import AnswerTimedOutError, TransportError
from routemoa.rpc_status import from_rpc_error, to_status


def rpc_error(details: str) -> grpc.aio.AioRpcError:
    """An error whose trailers hold what the server said, and whose details say what the client saw."""
    status = to_status(AnswerTimedOutError("no model answered in time", {}))
    return grpc.aio.AioRpcError(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.aio.Metadata(),
        grpc.aio.Metadata(("grpc-status-details-bin", status.SerializeToString())),
        details=details,
    )


def test_what_the_server_said_is_the_error() -> None:
    assert isinstance(from_rpc_error(rpc_error("no model answered in time")), AnswerTimedOutError)


def test_a_deadline_that_passes_while_the_server_answers_is_an_error_of_transport() -> None:
    error = from_rpc_error(rpc_error("Stream removed (Deadline Exceeded)"))
    assert isinstance(error, TransportError)
    assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
