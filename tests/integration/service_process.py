"""Starts a service as its operator does, as a process with an environment, and reads its log."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

START_S = 120
MAX_UNREAD_LOG_BYTES = 1 << 26
"""Log that a test may leave unread. A service whose log is not read stops at its next line."""


@asynccontextmanager
async def started(
    service: str, *, arguments: Sequence[str] = (), folder: str = "", **settings: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Starts a service with settings on a free port, and kills what still runs at the end.

    Args:
        service: Its name, which its settings begin with.
        arguments: What Python runs; absent, `-m services.<service>`.
        folder: The folder to run in, and the only one in PYTHONPATH; absent, those of the tests.
        settings: Its settings, by their names without the prefix.
    """
    prefix = f"ROUTEMOA_{service.upper()}_"
    settings.setdefault("LISTEN_ADDRESS", "127.0.0.1:0")
    environment = os.environ | {prefix + name: value for name, value in settings.items()}
    if folder:
        environment["PYTHONPATH"] = folder
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(arguments or ("-m", f"services.{service}")),
        cwd=folder or None,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=MAX_UNREAD_LOG_BYTES,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def logged(process: asyncio.subprocess.Process, *events: str) -> dict[str, object]:
    """Waits for a log line of one of the events; every line before it must be JSON, too."""
    assert process.stderr is not None
    async with asyncio.timeout(START_S):
        while line := await process.stderr.readline():
            if not line.startswith(b"{"):
                raise AssertionError((line + await process.stderr.read()).decode())
            fields: dict[str, object] = json.loads(line)
            if fields["event"] in events:
                return fields
    raise AssertionError(events)


async def refusal(service: str, **settings: str) -> tuple[int, str]:
    """Returns the exit status and the standard error of a service that does not start."""
    async with started(service, **settings) as process, asyncio.timeout(START_S):
        _, text = await process.communicate()
    assert process.returncode is not None
    return process.returncode, text.decode()
