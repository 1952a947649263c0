"""Interceptors: the guards and checks of every call, in one chain.

guard: Turns guards into one gRPC interceptor.
handlers: Handlers of gRPC methods, with guards around them.
call: One call, and the time for which it has waited for its caller.
callers: Identifies the caller of each call.
intake: Limits the requests that are being received.
call_telemetry: One metrics sample and one log line per call.
call_span: The span of a call.
errors: Turns exceptions into errors of the contract.
deadline: Refuses calls that allow too little time.
admission: Limits the calls in flight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.rpc.interceptors.call import Guards
from services.rpc.interceptors.call_telemetry import telemetry
from services.rpc.interceptors.callers import identified
from services.rpc.interceptors.deadline import deadline
from services.rpc.interceptors.errors import errors
from services.rpc.interceptors.guard import GuardInterceptor
from services.rpc.interceptors.intake import Intakes

if TYPE_CHECKING:
    from services.rpc.interceptors.admission import Admission
    from services.rpc.interceptors.callers import CallerOf


def chain(
    admission: Admission, caller_of: CallerOf, *, deadline_floor_ms: int, max_message_bytes: int
) -> GuardInterceptor:
    """Returns the interceptor of a server.

    Measure, translate errors, check the deadline, identify the caller, admit; then receive.
    """
    return GuardInterceptor(
        Guards(
            measure=telemetry,
            translate=errors,
            checks=(deadline(deadline_floor_ms), identified(caller_of)),
            admit=admission.guard,
        ),
        shed_reason=admission.shed_reason,
        intakes=Intakes.of(max_message_bytes),
    )
