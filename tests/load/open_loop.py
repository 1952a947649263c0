"""Offers calls at a fixed rate, however slowly they are answered.

A caller that waits for its answer before it asks again slows down with the service and so hides its
worst moments ("coordinated omission"). Here calls arrive when they arrive, and a call's latency counts
from when it was due, so that a late start is part of it.
"""

from __future__ import annotations

import asyncio
import enum
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc.aio

from routemoa.errors import OverloadedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    Call = Callable[[int], Awaitable[bool]]
    """Makes one call, told its number, and returns whether the answer was right."""


class Ending(enum.StrEnum):
    """How a call ended."""

    RIGHT = "right"
    WRONG = "wrong"
    REFUSED = "refused"
    """UNAVAILABLE: the service did not try."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One call that was offered."""

    due_s: float
    """When it was to start, since the first could have."""
    late_ms: float
    """How long after that this process got to start it."""
    latency_ms: float
    """From when it was due to its answer, or to what the call says is its end."""
    ending: Ending


def arrivals(rate_per_s: float, span_s: float, seed: int) -> Iterator[float]:
    """Yields when calls are due, in seconds: independent of one another (Poisson), ascending."""
    draw = random.Random(seed)
    due_s = draw.expovariate(rate_per_s)
    while due_s < span_s:
        yield due_s
        due_s += draw.expovariate(rate_per_s)


async def offer(
    call: Call, *, rate_per_s: float, span_s: float, seed: int = 0
) -> Sequence[Outcome]:
    """Offers calls for a time and waits for all of their answers, in the order that they were due.

    Args:
        call: What to offer; it must give up by itself after some time.
        rate_per_s: Calls that are due in a second, on average.
        span_s: For how long calls are due.
        seed: Of the times when they are due.
    """
    begun_s = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number, due_s in enumerate(arrivals(rate_per_s, span_s, seed)):
            if (wait_s := begun_s + due_s - time.perf_counter()) > 0:
                await asyncio.sleep(wait_s)
            tasks.append(group.create_task(_made(call, number, due_s, begun_s)))
    return [task.result() for task in tasks]


async def _made(call: Call, number: int, due_s: float, begun_s: float) -> Outcome:
    late_s = time.perf_counter() - begun_s - due_s
    try:
        ending = Ending.RIGHT if await call(number) else Ending.WRONG
    except OverloadedError:  # told within a stream
        ending = Ending.REFUSED
    except grpc.aio.AioRpcError as error:
        refused = error.code() is grpc.StatusCode.UNAVAILABLE
        ending = Ending.REFUSED if refused else Ending.FAILED
    return Outcome(
        due_s=due_s,
        late_ms=late_s * 1000,
        latency_ms=(time.perf_counter() - begun_s - due_s) * 1000,
        ending=ending,
    )
