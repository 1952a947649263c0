"""Runs a long function in a thread of low priority, so that calls are answered meanwhile."""

from __future__ import annotations

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

NICENESS = 10
"""On a core shared with one thread of normal priority, the thread gets a tenth of it."""


async def run_at_low_priority(function: Callable[[], T]) -> T:
    """Runs a function in its own thread of low priority; returns its result.

    Threads that the function starts keep the low priority, so they must not outlive it.
    """
    executor = ThreadPoolExecutor(1, "low-priority", initializer=_lower_priority)
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, function)
    finally:
        executor.shutdown(wait=False)


def _lower_priority() -> None:
    # On other systems this would lower the priority of the whole process.
    if sys.platform == "linux":
        os.nice(NICENESS)
