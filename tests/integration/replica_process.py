"""Replicas of one model as processes, so that they can be killed: all give the same answer."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.ports import free_port

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator
    from pathlib import Path

MODEL = "m"
QUERY = "What comes next?"
TEXT = " ".join(f"w{number}" for number in range(50))
"""Fifty words, each one token and none like another, so that a gap or a repetition shows."""
PACED = ("--time-to-first-token-ms", "50", "--tokens-per-second", "100")


@dataclass(slots=True)
class ReplicaProcess:
    """One replica; it can be killed and started again at the same address."""

    arguments: tuple[str, ...]
    process: Process
    url: str

    def kill(self) -> None:
        """Ends it with SIGKILL: the kernel resets its connections."""
        self.process.kill()

    async def restart(self) -> None:
        """Starts it again on the port that it had."""
        await self.process.wait()
        self.process = await _launch(self.url, self.arguments)

    async def calls(self) -> list[dict[str, Any]]:
        """Returns its call log."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.url.replace("/v1", "/calls")) as response,
        ):
            records: list[dict[str, Any]] = await response.json()
            return records


@asynccontextmanager
async def replica(folder: Path, *arguments: str) -> AsyncIterator[ReplicaProcess]:
    """Runs a replica until the block ends."""
    records = folder / "records.jsonl"
    records.write_text(json.dumps({"id": "1", "query": QUERY, "responses": {MODEL: TEXT}}))
    arguments = ("--records", str(records), *arguments)
    url = f"http://127.0.0.1:{free_port()}/v1"
    running = ReplicaProcess(arguments, await _launch(url, arguments), url)
    try:
        yield running
    finally:
        if running.process.returncode is None:
            running.process.kill()
        await running.process.wait()


async def _launch(url: str, arguments: tuple[str, ...]) -> Process:
    port = url.split(":")[2].removesuffix("/v1")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.simulator", *arguments, "--port", port), stderr=PIPE
    )
    assert process.stderr is not None
    said = b""
    async for line in process.stderr:  # gRPC may have its say before
        if b"simulated backend" in line:
            return process
        said += line
    raise AssertionError(f"the replica has ended: {said.decode()}")
