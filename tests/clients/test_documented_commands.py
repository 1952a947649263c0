"""The commands of docs/clients.md work."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.clients.program import ROOT, run
from tests.load.tool import SOURCES, found
from tests.toolchain import missing

if TYPE_CHECKING:
    from services.local.stack import Stack

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/clients.md").read_text(), re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]


@pytest.mark.parametrize("tool", SOURCES)
async def test_the_documented_commands_work(tool: str, stack: Stack) -> None:
    program = found(tool)
    if program is None:
        missing(f"{tool} is not installed; docs/clients.md says how")
    addresses = {
        "127.0.0.1:50051": stack.scorer_address,
        "127.0.0.1:50052": stack.router_address,
        "127.0.0.1:50053": stack.judge_address,
    }
    commands = [command for command in COMMANDS if command.startswith(f"{tool} ")]
    assert commands
    for command in commands:
        _, *arguments = shlex.split(command)
        output = await run(program, *(addresses.get(part, part) for part in arguments))
        if tool == "ghz":
            assert "[OK]" in output, output
            assert "Error distribution" not in output, output


def test_every_documented_command_is_run() -> None:
    assert {command.split()[0] for command in COMMANDS} == set(SOURCES)
