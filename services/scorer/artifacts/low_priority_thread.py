"""Runs what takes long in a thread that yields to those that answer."""

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
"""Beside one thread that answers, such a thread has a tenth of a core; alone, all of it."""


async def in_background(function: Callable[[], T]) -> T:
    """Returns what a function returns that runs in a thread of its own, of low priority.

    Threads that the function starts have that priority for good: it must start none that stay.
    """
    executor = ThreadPoolExecutor(1, "background", initializer=_yield_to_others)
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, function)
    finally:
        executor.shutdown(wait=False)


def _yield_to_others() -> None:
    # Elsewhere this would be the whole process.
    if sys.platform == "linux":
        os.nice(NICENESS)
