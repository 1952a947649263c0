"""Several processes of one service on one port; the kernel spreads connections over them.

supervisor -> N workers (SO_REUSEPORT) -> one that ends is replaced, after a pause that grows while it
keeps ending. SIGTERM goes to all of them, and the supervisor ends when the last has drained.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry, multiprocess, start_http_server

from services.rpc.telemetry import set_up_logging

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from services.rpc.config import ServiceConfig

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
STEADY_S = 30.0
"""A worker that ran for so long may be replaced at once again."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What the workers of a service are started with."""

    command: Sequence[str]
    environment: Mapping[str, str]
    count: int


async def supervise(
    config: ServiceConfig, command: Sequence[str], count: int, settings: Mapping[str, str]
) -> int:
    """Runs workers until SIGTERM or SIGINT; returns the exit status.

    Args:
        config: The service's settings.
        command: What starts one worker.
        count: How many there are.
        settings: Of the workers alone, by name.
    """
    set_up_logging(config.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with _held_port(config.listen_address) as address, _shared_metrics(config) as directory:
        prefix = config.model_config.get("env_prefix", "")
        shared = {"LISTEN_ADDRESS": address, "REUSE_PORT": "true", "WORKERS": "1", **settings}
        environment = {key: v for key, v in os.environ.items() if key != f"{prefix}METRICS_PORT"}
        environment |= {f"{prefix}{name}": value for name, value in shared.items()}
        environment[MULTIPROCESS_VARIABLE] = directory
        fleet = Fleet(command=command, environment=environment, count=count)
        _log.info("supervising", address=address, workers=count)
        async with asyncio.TaskGroup() as tasks:
            ends = [tasks.create_task(_keep(fleet, stop)) for _ in range(count)]
        # A worker that could not even start says why; all have the same settings.
        return max(end.result() for end in ends)


async def _keep(fleet: Fleet, stop: asyncio.Event) -> int:
    """Keeps one worker running until told to stop; returns the last one's exit status."""
    pause_s = FIRST_PAUSE_S
    while True:
        started_s = time.monotonic()
        process = await asyncio.create_subprocess_exec(*fleet.command, env=fleet.environment)
        status = await _ended(process, stop)
        multiprocess.mark_process_dead(  # type: ignore[no-untyped-call]
            process.pid, fleet.environment[MULTIPROCESS_VARIABLE]
        )
        if stop.is_set():
            return status
        if time.monotonic() - started_s > STEADY_S:
            pause_s = FIRST_PAUSE_S
        _log.error("worker_ended", pid=process.pid, status=status, again_in_s=pause_s)
        try:
            await asyncio.wait_for(stop.wait(), pause_s)
        except TimeoutError:
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        else:
            return status


async def _ended(process: asyncio.subprocess.Process, stop: asyncio.Event) -> int:
    """Waits for a worker's end, which SIGTERM brings about once it is time to stop."""
    ended = asyncio.ensure_future(process.wait())
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            process.terminate()
        return await ended
    finally:
        stopping.cancel()
        if process.returncode is None:
            process.kill()


@contextmanager
def _held_port(listen_address: str) -> Iterator[str]:
    """Holds a port for the workers, so that it stays theirs while all of them are being replaced."""
    host, _, port = listen_address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((host.strip("[]"), int(port)))
        yield f"{host}:{holder.getsockname()[1]}"


@contextmanager
def _shared_metrics(config: ServiceConfig) -> Iterator[str]:
    """Serves the workers' metrics as one, and yields the directory that they write them to."""
    directory = tempfile.mkdtemp(prefix="metrics-")
    try:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]
        if config.metrics_port is not None:
            start_http_server(config.metrics_port, registry=registry)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
