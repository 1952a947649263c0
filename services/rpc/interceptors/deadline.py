"""Refuses calls whose deadline is too close."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.errors import DeadlineTooShortError
from services.rpc.telemetry import REFUSED

if TYPE_CHECKING:
    from services.rpc.interceptors.call import Call, Check


def deadline(floor_ms: int) -> Check:
    """Returns a check that raises `DeadlineTooShortError` if less time than the floor is left."""

    def check(call: Call) -> None:
        remaining_s = call.context.time_remaining()
        if remaining_s is not None and remaining_s * 1000 < floor_ms:
            REFUSED.labels("deadline_too_short").inc()
            metadata = {
                "floor_ms": str(floor_ms),
                "remaining_ms": f"{max(remaining_s, 0) * 1000:.0f}",
            }
            message = "the call allows {remaining_ms} ms and needs at least {floor_ms} ms"
            raise DeadlineTooShortError(message.format(**metadata), metadata)

    return check
