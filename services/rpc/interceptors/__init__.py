"""The chain that every call goes through, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.rpc.interceptors.deadline import deadline
from services.rpc.interceptors.errors import errors
from services.rpc.interceptors.guard import GuardInterceptor
from services.rpc.interceptors.telemetry import telemetry

if TYPE_CHECKING:
    from services.rpc.interceptors.admission import Admission


def chain(admission: Admission, *, deadline_floor_ms: int) -> GuardInterceptor:
    """Returns the interceptor of a server: measure, translate errors, check time, take a permit."""
    return GuardInterceptor(
        [telemetry, errors, deadline(deadline_floor_ms), admission.guard], refusal=admission.refusal
    )
