"""A client's driver: a process that reads calls as lines of JSON and writes what came of them."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.proxies import JVM_SILENT_PROXY, SILENT_PROXY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conformance.case import Json
    from tests.conformance.language import Language

MAX_LINE_BYTES = 64 * 1024 * 1024
OUTCOME_TIMEOUT_S = 90
EXIT_TIMEOUT_S = 60


class DriverError(Exception):
    """The driver ended or said nothing; the text holds what it wrote to stderr."""


class Driver:
    """Talks to the process."""

    def __init__(
        self, process: asyncio.subprocess.Process, *, timeout_s: float = OUTCOME_TIMEOUT_S
    ) -> None:
        self._process = process
        self._timeout_s = timeout_s

    async def run(self, command: Json) -> Json:
        """Has a call made and returns its outcome.

        Raises:
            DriverError: There is none.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None  # noqa: PT018  # both are pipes
        try:
            stdin.write(json.dumps(command).encode() + b"\n")
            await stdin.drain()
            line = await asyncio.wait_for(stdout.readline(), self._timeout_s)
        except ConnectionError:
            line = b""
        except TimeoutError:
            self._process.kill()
            line = b""
        if not line:
            message = "the driver said nothing and is ended; see its messages above"
            raise DriverError(message)
        outcome: Json = json.loads(line)
        return outcome


@asynccontextmanager
async def driving(language: Language) -> AsyncIterator[Driver]:
    """Runs a language's driver until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *language.driver,
        cwd=language.folder,
        env=os.environ | SILENT_PROXY | JVM_SILENT_PROXY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MAX_LINE_BYTES,
    )
    try:
        yield Driver(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), EXIT_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
