"""Permits: no permit, no work. Overload is answered at once instead of late."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from routemoa.errors import DrainingError, OverloadedError
from services.rpc.telemetry import CALLS_LIMIT, IN_FLIGHT, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routemoa.errors import RouteMoAError
    from services.rpc.interceptors.guard import Call

RETRY_DELAY_S = 0.25


class Admission:
    """Counts the calls in flight and refuses those above the limit, and all while draining."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        CALLS_LIMIT.set(limit)
        self._in_flight = 0
        self.draining = False
        self.idle = asyncio.Event()
        """Set while no call holds a permit."""
        self.idle.set()

    def refusal(self) -> RouteMoAError | None:
        """Returns why a call that comes now gets no permit, and counts it; None if it would get one."""
        if self.draining:
            REFUSED.labels("draining").inc()
            return DrainingError("the service is shutting down")
        if self._in_flight >= self._limit:
            REFUSED.labels("overloaded").inc()
            return OverloadedError(
                f"{self._limit} calls are in flight, which is the limit",
                {"limit": str(self._limit)},
                retry_delay_s=RETRY_DELAY_S,
            )
        return None

    @contextmanager
    def guard(self, call: Call) -> Iterator[None]:  # noqa: ARG002  # a guard takes the call
        """Holds a permit for the call's whole life."""
        if (error := self.refusal()) is not None:  # others came first while its request was read
            raise error
        self._in_flight += 1
        self.idle.clear()
        IN_FLIGHT.inc()
        try:
            yield
        finally:
            self._in_flight -= 1
            IN_FLIGHT.dec()
            if not self._in_flight:
                self.idle.set()
