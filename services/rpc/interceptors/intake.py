"""Limits the requests that are being received, and with them the memory that they take.

gRPC keeps as much of a message as has arrived, up to the largest message, once the service asks for
it. So the service asks for few at a time. A request that has arrived is read at once and leaves room
for the next one. One that does not arrive gives up its place after two seconds, if another one needs
it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from routemoa.errors import OverloadedError
from services.rpc.telemetry import GAVE_WAY

if TYPE_CHECKING:
    from services.rpc.interceptors.call import Call

MAX_CALLER_BYTES = 24 * 1024 * 1024
"""Most memory that the unfinished requests of one caller may take, those of streams aside, unless
`MIN_SHARE` of them take more."""
MIN_SHARE = 2
"""Requests of one caller that are received together, however large: one that does not arrive is not in
the way of all others."""
CALLER_SHARES = 4
"""Callers that may take that much at the same time."""
CALLER_STREAMS = 16
"""Streams of one caller that may wait for a request at the same time."""
STREAM_SHARES = 8
"""Callers that may have that many."""
PATIENCE_S = 2.0
"""Time after which a call gives up its place to a waiting one: a megabyte takes no longer on a line of
four megabits per second."""
SEARCH_INTERVAL_S = 0.2
"""Time between searches for calls that give up their places, while others wait."""
RETRY_DELAY_S = 0.25


class Intake:
    """The calls that receive a request.

    Args:
        share: Most calls of one caller.
        limit: Most calls of all callers.
    """

    def __init__(self, *, share: int, limit: int) -> None:
        self._share, self._limit = share, limit
        self._readers: dict[str, set[Call]] = {}
        self._count = 0
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        """The calls without a place. The newest gets the next one: the older ones have waited while
        others gave way, so their callers are more likely to hold places that they do not use."""
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, call: Call) -> Any:
        """Returns the next request of a call; `grpc.aio.EOF` after the last one."""
        call.reading_since_s = time.monotonic()
        try:
            while not self._has_room(call.caller):
                await self._turn(call.caller)
                call.reading_since_s = time.monotonic()
            self._readers.setdefault(call.caller, set()).add(call)
            self._count += 1
            try:
                return await call.context.read()
            finally:
                self._leave(call)
        finally:
            call.reading_since_s = None

    def _has_room(self, caller: str) -> bool:
        if self._count >= self._limit:
            return False
        readers = self._readers.get(caller)
        return readers is None or len(readers) < self._share

    async def _turn(self, caller: str) -> None:
        """Waits until there may be room."""
        loop = asyncio.get_running_loop()
        turn = (caller, loop.create_future())
        self._waiting.append(turn)
        if self._timer is None:
            self._timer = loop.call_later(SEARCH_INTERVAL_S, self._search)
        try:
            await turn[1]
        except asyncio.CancelledError:
            if turn[1].cancelled():
                self._waiting.remove(turn)
            else:
                self._wake_one()
            raise

    def _search(self) -> None:
        """Ends the calls that hold a place for too long and are in the way of waiting ones."""
        self._timer = None
        now_s = time.monotonic()
        for caller in {caller for caller, _ in self._waiting}:
            if self._has_room(caller):
                continue
            longest = max(self._rivals(caller), key=lambda reader: reader.waits_s(now_s))
            if longest.waits_s(now_s) >= PATIENCE_S:
                GAVE_WAY.inc()
                longest.end(_gave_way(self._share))
                self._leave(longest)
        if self._waiting:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SEARCH_INTERVAL_S, self._search)

    def _rivals(self, caller: str) -> set[Call]:
        """Returns the calls of which one must give way: of the caller, or of the one with most."""
        readers = self._readers.get(caller)
        if readers is not None and len(readers) >= self._share:
            return readers
        return max(self._readers.values(), key=len)

    def _leave(self, call: Call) -> None:
        """Gives the call's place to another one; does nothing if it has left already."""
        readers = self._readers.get(call.caller)
        if readers is None or call not in readers:
            return
        readers.remove(call)
        if not readers:
            del self._readers[call.caller]
        self._count -= 1
        if self._waiting:
            self._wake_one()

    def _wake_one(self) -> None:
        for index in range(len(self._waiting) - 1, -1, -1):
            caller, turn = self._waiting[index]
            if self._has_room(caller):
                del self._waiting[index]
                turn.set_result(None)
                return


@dataclass(frozen=True, slots=True, kw_only=True)
class Intakes:
    """The limits of a server; streams have their own, since they always wait for a request."""

    single: Intake
    """Of methods with a single request."""
    streamed: Intake
    """Of methods with a stream of requests."""

    @classmethod
    def of(cls, max_message_bytes: int) -> Self:
        """Returns the limits for messages of at most so many bytes."""
        share = max(MIN_SHARE, MAX_CALLER_BYTES // max_message_bytes)
        limit = max(2 * MIN_SHARE, CALLER_SHARES * (MAX_CALLER_BYTES // max_message_bytes))
        return cls(
            single=Intake(share=share, limit=limit),
            streamed=Intake(share=CALLER_STREAMS, limit=STREAM_SHARES * CALLER_STREAMS),
        )


def _gave_way(limit: int) -> OverloadedError:
    return OverloadedError(
        "the call's request did not arrive in time, and its place was needed for another one",
        {"limit": str(limit)},
        retry_delay_s=RETRY_DELAY_S,
    )
