"""What takes long yields to those that answer, and to nobody afterwards."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.scorer.background import NICENESS, in_background


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="a priority is the whole process's")
async def test_only_the_thread_in_the_background_has_a_low_priority() -> None:
    before = niceness()
    assert await in_background(niceness) == min(before + NICENESS, 19)
    assert niceness() == before
    assert await asyncio.to_thread(niceness) == before


async def test_errors_reach_the_caller() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await in_background(fail)


async def test_a_caller_that_is_cancelled_waits_for_nothing() -> None:
    began, end = threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        end.wait(30)

    task = asyncio.create_task(in_background(hang))
    with ThreadPoolExecutor(1) as watcher:
        assert await asyncio.get_running_loop().run_in_executor(watcher, began.wait, 30)
    task.cancel()
    try:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)
    finally:
        end.set()
