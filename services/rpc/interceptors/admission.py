"""Limits the calls in flight; further calls get an error at once instead of a late answer."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from routemoa.errors import DrainingError, OverloadedError
from services.rpc.telemetry import CALLS_LIMIT, IN_FLIGHT, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from routemoa.errors import RouteMoAError
    from services.rpc.interceptors.guard import Call

RETRY_DELAY_S = 0.25
_DRAINING = REFUSED.labels("draining")
_OVERLOADED = REFUSED.labels("overloaded")


def _shutting_down() -> DrainingError:
    return DrainingError("the service is shutting down")


def _full(limit: int) -> OverloadedError:
    return OverloadedError(
        f"{limit} calls are in flight, which is the limit",
        {"limit": str(limit)},
        retry_delay_s=RETRY_DELAY_S,
    )


_SHUTTING_DOWN = _shutting_down()


def no_shed_reason(method: str) -> None:  # takes what `Service.shed_reason` takes
    """Returns None: the service sheds no call."""


class Admission:
    """Counts the calls in flight; refuses calls above the limit, and all calls while draining.

    Args:
        limit: Most calls that may be in flight.
        shed_reason: `Service.shed_reason`; called when the headers of a call arrive.
    """

    def __init__(
        self, limit: int, shed_reason: Callable[[str], RouteMoAError | None] = no_shed_reason
    ) -> None:
        self._limit = limit
        self._service_shed_reason = shed_reason
        self._full = _full(limit)
        CALLS_LIMIT.set(limit)
        self._in_flight = 0
        self.draining = False
        self.idle = asyncio.Event()
        """Set while no call is in flight."""
        self.idle.set()

    def shed_reason(self, method: str) -> RouteMoAError | None:
        """Returns the error for a new call that must be shed, and counts it; else None.

        Returns the same object for the same reason, so it must not be raised.
        """
        if self.draining:
            _DRAINING.inc()
            return _SHUTTING_DOWN
        full = self._in_flight >= self._limit
        error = self._full if full else self._service_shed_reason(method)
        if error is not None:
            _OVERLOADED.inc()
        return error

    @contextmanager
    def guard(self, call: Call) -> Iterator[None]:  # noqa: ARG002  # every guard takes the call
        """Counts the call as in flight until it ends."""
        # Checked again: other calls may have started while this one's request was read.
        if self.draining:
            _DRAINING.inc()
            raise _shutting_down()
        if self._in_flight >= self._limit:
            _OVERLOADED.inc()
            raise _full(self._limit)
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
