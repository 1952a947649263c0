"""The commands of docs/clients.md work."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routemoa.cli.stack import Stack, StackConfig, running_stack
from tests.load.tool import SOURCES, found

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 30
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/clients.md").read_text(), re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    async with running_stack(StackConfig()) as running:
        yield running


@pytest.mark.parametrize("tool", SOURCES)
async def test_the_documented_commands_work(tool: str, stack: Stack) -> None:
    program = found(tool)
    if program is None:
        pytest.skip(f"{tool} is not installed; docs/clients.md says how")
    addresses = {
        "127.0.0.1:50051": stack.scorer_address,
        "127.0.0.1:50052": stack.router_address,
        "127.0.0.1:50053": stack.judge_address,
    }
    commands = [command for command in COMMANDS if command.startswith(f"{tool} ")]
    assert commands
    for command in commands:
        _, *arguments = shlex.split(command)
        status, output = await run(program, [addresses.get(part, part) for part in arguments])
        assert status == 0, f"{command}\n{output}"
        if tool == "ghz":
            assert "[OK]" in output, output
            assert "Error distribution" not in output, output


async def run(program: str, arguments: list[str]) -> tuple[int | None, str]:
    """Returns the exit status and everything that a program printed."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    return process.returncode, output.decode()


def test_every_documented_command_is_run() -> None:
    assert {command.split()[0] for command in COMMANDS} == set(SOURCES)
