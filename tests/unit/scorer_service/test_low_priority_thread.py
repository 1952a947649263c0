"""Artifacts are opened at low priority, which no other thread keeps."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from scorer import Runtime, default_artifact_path
from services.scorer.artifacts.artifacts import Artifacts
from services.scorer.artifacts.low_priority_thread import NICENESS, run_at_low_priority
from services.scorer.artifacts.open_runtime import open_runtime
from services.scorer.artifacts.opener import Opener
from services.scorer.config import ScorerServiceConfig

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="a priority is the whole process's")


def niceness(thread: int | None = None) -> int:
    return os.getpriority(os.PRIO_PROCESS, thread or threading.get_native_id())


def all_niceness() -> set[int]:
    """Of every thread of this process."""
    found = set()
    for each in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            found.add(niceness(int(each.name)))
    return found


@on_linux
@pytest.mark.parametrize("threads", [1, 2])
async def test_an_artifact_is_opened_at_low_priority_unless_its_threads_would_keep_it(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    before, seen, real = niceness(), [], Runtime.open

    def watched(*arguments: Any, **options: Any) -> Runtime:
        seen.append(niceness())
        return real(*arguments, **options)

    monkeypatch.setattr(Runtime, "open", watched)
    config = ScorerServiceConfig(
        listen_address="127.0.0.1:0",
        artifact=default_artifact_path(),
        intra_op_threads=threads,
    )
    async with Artifacts(config, Opener(config, open_runtime)), asyncio.timeout(60):
        while all_niceness() != {before}:  # noqa: ASYNC110  # a thread's end has no event
            await asyncio.sleep(0.01)
    assert seen == [min(before + NICENESS, 19) if threads == 1 else before]


@on_linux
async def test_only_the_thread_of_the_function_has_a_low_priority() -> None:
    before = niceness()
    assert await run_at_low_priority(niceness) == min(before + NICENESS, 19)
    assert niceness() == before
    assert await asyncio.to_thread(niceness) == before


async def test_errors_reach_the_caller() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await run_at_low_priority(fail)


async def test_a_caller_that_is_cancelled_waits_for_nothing() -> None:
    began, end = threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        end.wait(30)

    task = asyncio.create_task(run_at_low_priority(hang))
    with ThreadPoolExecutor(1) as watcher:
        assert await asyncio.get_running_loop().run_in_executor(watcher, began.wait, 30)
    task.cancel()
    try:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 60)
    finally:
        end.set()
