"""Runs several processes of one service on one port; the kernel spreads connections over them.

supervisor -> N workers (SO_REUSEPORT). A worker that exits is restarted, after a pause that grows with
every early exit. SIGTERM is passed on to all workers; the supervisor exits when the last has drained.
If the supervisor is killed, its workers drain and exit.
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
from prometheus_client import CollectorRegistry, multiprocess

from services.rpc.lifeline import end_with_parent, open_lifeline
from services.rpc.telemetry import serve_metrics, set_up_logging

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from services.rpc.config import ServiceConfig

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
STEADY_S = 30.0
"""After a run this long, the next pause is the first one again."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """The command and the environment of one worker."""

    command: Sequence[str]
    environment: Mapping[str, str]
    stdin: int


async def supervise(
    config: ServiceConfig, command: Sequence[str], count: int, settings: Mapping[str, str]
) -> int:
    """Runs workers until SIGTERM or SIGINT; returns the exit status.

    Args:
        config: The service's settings.
        command: The command of one worker.
        count: The number of workers.
        settings: Settings of the workers alone, by name.
    """
    end_with_parent()
    set_up_logging(config.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with (
        _reserved_port(config.listen_address) as address,
        _shared_metrics(config) as directory,
        open_lifeline() as lifeline,
    ):
        prefix = config.model_config.get("env_prefix", "")
        shared = {"LISTEN_ADDRESS": address, "REUSE_PORT": "true", "WORKERS": "1", **settings}
        environment = {key: v for key, v in os.environ.items() if key != f"{prefix}METRICS_PORT"}
        environment |= {f"{prefix}{name}": value for name, value in shared.items()}
        environment |= {MULTIPROCESS_VARIABLE: directory, **lifeline.environment}
        spec = WorkerSpec(command=command, environment=environment, stdin=lifeline.stdin)
        _log.info("supervising", address=address, workers=count)
        async with asyncio.TaskGroup() as tasks:
            workers = [tasks.create_task(_keep_running(spec, stop)) for _ in range(count)]
        # The highest status: a worker that failed to start has one above 0.
        return max(worker.result() for worker in workers)


async def _keep_running(spec: WorkerSpec, stop: asyncio.Event) -> int:
    """Restarts one worker until `stop` is set; returns its last exit status."""
    pause_s = FIRST_PAUSE_S
    while True:
        started_s = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *spec.command, env=spec.environment, stdin=spec.stdin
        )
        status = await _exit_status(process, stop)
        multiprocess.mark_process_dead(  # type: ignore[no-untyped-call]
            process.pid, spec.environment[MULTIPROCESS_VARIABLE]
        )
        if stop.is_set():
            return status
        if time.monotonic() - started_s > STEADY_S:
            pause_s = FIRST_PAUSE_S
        _log.error("worker_ended", pid=process.pid, status=status, restart_in_s=pause_s)
        try:
            await asyncio.wait_for(stop.wait(), pause_s)
        except TimeoutError:
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        else:
            return status


async def _exit_status(process: asyncio.subprocess.Process, stop: asyncio.Event) -> int:
    """Waits for a worker to exit, and sends it SIGTERM once `stop` is set."""
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
def _reserved_port(listen_address: str) -> Iterator[str]:
    """Binds the workers' port, so that no other process takes it while all of them restart."""
    host, _, port = listen_address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((host.strip("[]"), int(port)))
        yield f"{host}:{holder.getsockname()[1]}"


@contextmanager
def _shared_metrics(config: ServiceConfig) -> Iterator[str]:
    """Serves the combined metrics of the workers; yields the directory that they write to."""
    directory = tempfile.mkdtemp(prefix="metrics-")
    try:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]
        serve_metrics(config.metrics_port, config.listen_address, registry)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
