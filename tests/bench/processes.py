"""Processes that a benchmark measures: start, address, processor time, end."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from tests.bench.cores import on

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Mapping, Sequence

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_START_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 10.0
_LOGGING = (
    "services.",
    "tests.bench.eager_router",
    "tests.bench.noop_scorer",
    "tests.load.watched_scorer",
)
"""Modules that log their address; others print it."""


def tree_cpu_s(pid: int) -> float:
    """Returns the processor time that a process and those below it have used, in seconds."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended in between
        parents[int(path.parent.name)] = int(fields[1])
        ticks[int(path.parent.name)] = int(fields[11]) + int(fields[12])
    family = {pid}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return sum(ticks[member] for member in family) / _TICKS_PER_S


@asynccontextmanager
async def module(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    listeners: int = 1,
    cores: frozenset[int] | None = None,
    folder: Path | None = None,
) -> AsyncIterator[tuple[int, str]]:
    """Runs a service or a backend of this repository; yields its process id and address.

    A service is there once so many of its processes have logged that they listen. It runs on the
    processors ``cores``, or on those of this process, and in the checkout ``folder``, or in this one.
    """
    with on(cores):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            env=os.environ | (environment or {}),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    assert child.stdout is not None
    assert child.stderr is not None
    if arguments[0].startswith(_LOGGING):
        for _ in range(listeners):
            while (event := json.loads(await child.stderr.readline()))["event"] != "listening":
                pass
        address = event["address"]
    else:
        address = (await child.stdout.readline()).decode().strip()
    rest = asyncio.create_task(child.stderr.read())
    try:
        yield child.pid, address
    finally:
        await _stop(child)
        await rest


@asynccontextmanager
async def server(
    command: Sequence[str], *, ready_url: str, environment: Mapping[str, str]
) -> AsyncIterator[int]:
    """Runs another project's server until `ready_url` answers 200; yields its process id.

    Raises:
        RuntimeError: It ended, or took too long to get ready.
    """
    child = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(_START_TIMEOUT_S):
            while not await _is_ready(session, ready_url):
                if child.returncode is not None:
                    raise RuntimeError(f"{command[0]} ended with {child.returncode}")
                await asyncio.sleep(0.2)
        yield child.pid
    finally:
        await _stop(child)


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def _stop(child: Process) -> None:
    if child.returncode is not None:
        return
    child.terminate()
    try:
        await asyncio.wait_for(child.wait(), _STOP_TIMEOUT_S)
    except TimeoutError:
        child.kill()
        await child.wait()
