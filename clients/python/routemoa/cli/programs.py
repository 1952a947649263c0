"""The commands that are programs of the services: each replaces this process by its program.

The client imports nothing of the services. The process is replaced, so signals, the terminal and the
exit status are the program's own and nothing can outlive it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import NoReturn

import typer

from routemoa.cli.failures import StackError, describe
from routemoa.cli.terminal import open_console

_PROGRAMS = {
    "demo": ("services.local", "Starts everything on a simulated pool and asks it questions."),
    "up": ("services.local", "Starts scorer, judge, router and a pool on this machine."),
    "pool": ("services.local", "Checks a pool file and its endpoints."),
    "eval": ("services.evaluation", "Answers recorded queries and compares with simpler choices."),
    "replay": ("services.evaluation", "Shows what another policy would have chosen."),
}
# The package of the services comes with the client; what they run on comes with the extra.
_NEEDED = ("services", "aiohttp", "pydantic_settings", "uvloop")


def add_program(app: typer.Typer, name: str) -> None:
    """Adds a command that hands all its arguments on, `--help` too."""
    settings = {"allow_extra_args": True, "ignore_unknown_options": True}
    _, summary = _PROGRAMS[name]
    app.command(name, help=summary, add_help_option=False, context_settings=settings)(become)


def become(context: typer.Context) -> NoReturn:
    """Replaces this process by the program of the command.

    Raises:
        typer.Exit: The services are not installed.
    """
    name = str(context.info_name)
    if any(importlib.util.find_spec(needed) is None for needed in _NEEDED):
        error = StackError("the services are not installed: pip install 'routemoa[serve,cli]'")
        failure = describe(error, "")
        open_console(stderr=True).print(failure.as_text(), soft_wrap=True)
        raise typer.Exit(failure.exit_code)
    module, _ = _PROGRAMS[name]
    command = (sys.executable, "-m", module, name, *context.args)
    os.execv(sys.executable, command)  # noqa: S606  # our own module, without a shell
