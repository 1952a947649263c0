"""Limits the calls in flight; further calls get an error at once instead of a late answer.

No caller, tenant or host, may have all of them: an eighth is left for others. Where the limit is
reached, calls that only wait for their caller end for the sake of new ones.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from routemoa.errors import DrainingError, OverloadedError
from services.rpc.telemetry import CALLS_LIMIT, GAVE_WAY, IN_FLIGHT, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from routemoa.errors import RouteMoAError
    from services.rpc.interceptors.call import Call

RETRY_DELAY_S = 0.25
OTHERS_SHARE = 8
"""One call of so many is left for other callers."""
SEARCH_INTERVAL_S = 0.05
"""Time between searches for a call that gives way, after one that found none: a search takes longer
than to refuse a call."""
WATCH_INTERVAL_S = 1.0
_DRAINING = REFUSED.labels("draining")
_OVERLOADED = REFUSED.labels("overloaded")
_QUIET = REFUSED.labels("quiet")


def _shutting_down() -> DrainingError:
    return DrainingError("the service is shutting down")


def _full(limit: int, whose: str = "") -> OverloadedError:
    return OverloadedError(
        f"{limit} calls{whose} are in flight, which is the limit",
        {"limit": str(limit)},
        retry_delay_s=RETRY_DELAY_S,
    )


def _gave_way(limit: int) -> OverloadedError:
    return OverloadedError(
        "the call waited for its caller, and its place was needed for another one",
        {"limit": str(limit)},
        retry_delay_s=RETRY_DELAY_S,
    )


def _quiet(wait_s: float) -> OverloadedError:
    return OverloadedError(
        f"the call waited for its caller for {wait_s:g} s, which is the limit",
        {"limit": f"{wait_s:g}"},
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
        self._share = limit - limit // OTHERS_SHARE
        self._service_shed_reason = shed_reason
        self._full = _full(limit)
        CALLS_LIMIT.set(limit)
        self._calls: dict[str, set[Call]] = {}
        """The admitted calls by caller, without those that were told to end."""
        self._admitted = 0
        self._in_flight = 0
        self._next_search_s = 0.0
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
        full = self._admitted >= self._limit and self._longest_wait(self._all()) is None
        error = self._full if full else self._service_shed_reason(method)
        if error is not None:
            _OVERLOADED.inc()
        return error

    @contextmanager
    def guard(self, call: Call) -> Iterator[None]:
        """Counts the call as in flight until it ends."""
        if self.draining:
            _DRAINING.inc()
            raise _shutting_down()
        if self._admitted >= self._limit:
            self._make_room(self._all(), _full(self._limit))
        own = self._calls.get(call.caller, ())
        if len(own) >= self._share:
            self._make_room(own, _full(self._share, " of one caller"))
        self._calls.setdefault(call.caller, set()).add(call)
        self._admitted += 1
        self._in_flight += 1
        self.idle.clear()
        IN_FLIGHT.inc()
        try:
            yield
        finally:
            self._release(call)
            self._in_flight -= 1
            IN_FLIGHT.dec()
            if not self._in_flight:
                self.idle.set()

    async def watch(self) -> None:
        """Ends calls whose caller keeps them waiting for too long, until it is cancelled."""
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            now_s = time.monotonic()
            for call in list(self._all()):
                longest_s = call.longest_wait_s()
                if call.waits_s(now_s) > longest_s:
                    _QUIET.inc()
                    self._end(call, _quiet(longest_s))

    def _all(self) -> Iterable[Call]:
        return (call for calls in self._calls.values() for call in calls)

    def _make_room(self, calls: Iterable[Call], refusal: OverloadedError) -> None:
        """Ends one of the calls, or raises the refusal."""
        call = self._longest_wait(calls)
        if call is None:
            _OVERLOADED.inc()
            raise refusal
        GAVE_WAY.inc()
        self._end(call, _gave_way(self._limit))

    def _longest_wait(self, calls: Iterable[Call]) -> Call | None:
        """Returns the call that gives way: of the caller with most calls, the longest wait."""
        now_s = time.monotonic()
        if now_s < self._next_search_s:
            return None
        found = [call for call in calls if call.gives_way(now_s)]
        if not found:
            self._next_search_s = now_s + SEARCH_INTERVAL_S
            return None
        return max(found, key=lambda call: (len(self._calls[call.caller]), call.waits_s(now_s)))

    def _end(self, call: Call, error: OverloadedError) -> None:
        self._release(call)
        call.end(error)

    def _release(self, call: Call) -> None:
        """Gives back the call's permit; does nothing if it has been given back."""
        calls = self._calls.get(call.caller)
        if calls is None or call not in calls:
            return
        calls.remove(call)
        self._admitted -= 1
        if not calls:
            del self._calls[call.caller]
