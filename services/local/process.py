"""One child process: start, log file, readiness and stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc.aio
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from routemoa.cli.failures import StackError
from services.rpc.channel import open_channel
from services.rpc.lifeline import open_lifeline

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping, Sequence
    from contextlib import AsyncExitStack
    from pathlib import Path

HOST = "127.0.0.1"
LOG_TAIL_LINES = 20
PROBE_TIMEOUT_S = 1.0
STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A running process that listens on loopback and logs to a file."""

    name: str
    port: int
    process: Process
    log_file: Path

    @property
    def address(self) -> str:
        """The address that the process listens on, as `host:port`."""
        return f"{HOST}:{self.port}"

    @property
    def ended(self) -> bool:
        """True if the process has ended."""
        return self.process.returncode is not None

    def failure(self) -> StackError:
        """Returns the error of a process that ended: exit code and last lines of its log."""
        code = self.process.returncode
        return StackError(f"{self.name} ended with exit code {code}:\n{log_tail(self.log_file)}")

    async def listens(self) -> bool:
        """Returns whether the process accepts connections."""
        try:
            _, writer = await asyncio.open_connection(HOST, self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def serves(self) -> bool:
        """Returns whether the process reports its gRPC services as SERVING."""
        if not await self.listens():  # gRPC would back off for a second after a refused connection
            return False
        async with open_channel(self.address) as channel:
            check = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=HealthCheckRequest.SerializeToString,
                response_deserializer=HealthCheckResponse.FromString,
            )
            try:
                request = HealthCheckRequest()
                response: HealthCheckResponse = await check(request, timeout=PROBE_TIMEOUT_S)
            except grpc.aio.AioRpcError:
                return False
            return response.status == HealthCheckResponse.SERVING


async def launch(
    exits: AsyncExitStack,
    module: str,
    *arguments: str,
    environment: Mapping[str, str],
    log_file: Path,
    output_file: Path | None = None,
) -> Process:
    """Starts `python -m module`; see `launch_command`."""
    command = [sys.executable, "-m", module, *arguments]
    return await launch_command(
        exits, command, environment=environment, log_file=log_file, output_file=output_file
    )


async def launch_command(
    exits: AsyncExitStack,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log_file: Path,
    output_file: Path | None = None,
) -> Process:
    """Starts a command; `exits` stops it, and so does the end of this process.

    Standard error goes to `log_file`, and standard output too unless there is an `output_file`.
    """
    lifeline = exits.enter_context(open_lifeline())
    with contextlib.ExitStack() as files:
        log = files.enter_context(log_file.open("wb"))
        output = files.enter_context(output_file.open("wb")) if output_file else log
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=lifeline.stdin,
            stdout=output,
            stderr=log,
            env={**os.environ, **environment, **lifeline.environment},
            start_new_session=True,  # Ctrl-C reaches only the parent, which then stops its children
        )
    exits.push_async_callback(_stop, process)
    return process


async def _stop(process: Process) -> None:
    """Terminates a process; kills it if it does not end in time or the wait is cancelled."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
    except asyncio.CancelledError:
        process.kill()
        raise


def log_tail(log_file: Path) -> str:
    """Returns the last lines of a log, indented, and the log's path."""
    lines = log_file.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
    shown = "\n".join(f"  {line}" for line in lines) or "  (it logged nothing)"
    return f"{shown}\n  log: {log_file}"
