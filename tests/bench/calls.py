"""Repeats calls for a time and says how long they took and what they cost."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from tests.bench.processes import tree_cpu_s

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Call = Callable[[int], Awaitable[object]]
    """Makes one call, told how many were begun before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement of one way to score."""

    queries_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms_per_query: float
    """Processor time of whoever answers."""


async def measure(
    call: Call, *, pid: int, queries: int, callers: int, span_s: float, rest_s: float = 0.0
) -> Sample:
    """Has callers repeat a call of some queries for a time, answered by a process and its children.

    Each rests for a while before each call.
    """
    latencies_ms: list[float] = []
    numbers = itertools.count()
    begun_s, cpu_before_s = time.perf_counter(), tree_cpu_s(pid)

    async def repeat() -> None:
        while True:  # at least one call, however slow the machine is
            if rest_s:
                await asyncio.sleep(rest_s)
            started_s = time.perf_counter()
            await call(next(numbers))
            latencies_ms.append((time.perf_counter() - started_s) * 1000)
            if time.perf_counter() > begun_s + span_s:
                return

    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(repeat())
    return sample_of(
        latencies_ms,
        queries=queries,
        spent_s=time.perf_counter() - begun_s,
        cpu_s=tree_cpu_s(pid) - cpu_before_s,
    )


def sample_of(
    latencies_ms: Sequence[float], *, queries: int, spent_s: float, cpu_s: float
) -> Sample:
    """Returns what so many calls of some queries each amount to."""
    count = len(latencies_ms) * queries
    cuts = (
        statistics.quantiles(latencies_ms, n=100) if len(latencies_ms) > 1 else [*latencies_ms] * 99
    )
    return Sample(
        queries_per_s=count / spent_s,
        p50_ms=cuts[49],
        p99_ms=cuts[98],
        cpu_ms_per_query=cpu_s * 1000 / count,
    )


def median(samples: Sequence[Sample]) -> Sample:
    """Returns the median of each figure."""
    return Sample(
        **{
            column.name: statistics.median(getattr(sample, column.name) for sample in samples)
            for column in fields(Sample)
        }
    )
