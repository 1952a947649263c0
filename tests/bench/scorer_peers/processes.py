"""Starts a server as a process group of its own, and reads what its processes used."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
STOP_S = 10


def free_port() -> int:
    """Returns a port that nothing listens on now, nor on its neighbours."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tree_cpu_s(root: int) -> float:
    """Returns the processor time that a process and all that descend from it have used."""
    ticks: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            pid = int(path.parent.name)
            ticks[pid] = int(fields[11]) + int(fields[12])
            children.setdefault(int(fields[1]), []).append(pid)
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        total += ticks.get(pid, 0)
        waiting += children.get(pid, [])
    return total / TICKS_PER_S


@asynccontextmanager
async def running(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> AsyncIterator[int]:
    """Runs a command in a process group of its own; yields its id, and ends the group after."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield process.pid
        finally:
            for number in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), STOP_S)
