"""Interceptors: the guards around every call, in one chain.

guard: Turns guards into one gRPC interceptor.
call_telemetry: One metrics sample and one log line per call.
errors: Turns exceptions into errors of the contract.
deadline: Refuses calls that allow too little time.
admission: Limits the calls in flight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.rpc.interceptors.call_telemetry import telemetry
from services.rpc.interceptors.deadline import deadline
from services.rpc.interceptors.errors import errors
from services.rpc.interceptors.guard import GuardInterceptor

if TYPE_CHECKING:
    from services.rpc.interceptors.admission import Admission


def chain(admission: Admission, *, deadline_floor_ms: int) -> GuardInterceptor:
    """Returns the interceptor of a server: measure, translate errors, check the deadline, admit."""
    return GuardInterceptor(
        [telemetry, errors, deadline(deadline_floor_ms), admission.guard],
        shed_reason=admission.shed_reason,
    )
