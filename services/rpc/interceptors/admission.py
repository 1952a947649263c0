"""Permits: no permit, no work. Overload is answered at once instead of late."""

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


def never(method: str) -> None:  # whatever the method
    """Refuses nothing."""


class Admission:
    """Counts the calls in flight and refuses those above the limit, and all while draining.

    Args:
        limit: Calls that may be in flight.
        refusal: Returns why the service would refuse a call of a method, or None; asked when the
            headers of a call arrive.
    """

    def __init__(self, limit: int, refusal: Callable[[str], RouteMoAError | None] = never) -> None:
        self._limit = limit
        self._service_refusal = refusal
        self._full = _full(limit)
        CALLS_LIMIT.set(limit)
        self._in_flight = 0
        self.draining = False
        self.idle = asyncio.Event()
        """Set while no call holds a permit."""
        self.idle.set()

    def refusal(self, method: str) -> RouteMoAError | None:
        """Returns why a call that comes now is refused, and counts it; None if it is not.

        Where the same is wrong, the same error is returned, never to be raised.
        """
        if self.draining:
            _DRAINING.inc()
            return _SHUTTING_DOWN
        error = self._full if self._in_flight >= self._limit else self._service_refusal(method)
        if error is not None:
            _OVERLOADED.inc()
        return error

    @contextmanager
    def guard(self, call: Call) -> Iterator[None]:  # noqa: ARG002  # a guard takes the call
        """Holds a permit for the call's whole life."""
        # Others may have come first while its request was read.
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
