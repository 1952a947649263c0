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

_SUMMARIES = {
    "demo": "Starts everything on a simulated pool and asks it questions.",
    "up": "Starts scorer, judge and router, and a simulated pool unless a real one is given.",
    "pool": "Checks a pool file and its endpoints.",
    "eval": "Answers recorded queries and compares with simpler methods.",
    "learn": "Corrects a scorer by decisions and the feedback on them.",
    "replay": "Shows what another policy would have chosen, by decision records.",
}
_MODULES = dict.fromkeys(("demo", "up", "pool"), "services.local") | dict.fromkeys(
    ("eval", "replay"), "services.evaluation"
)
_MODULES["learn"] = "scorer"
# `services` is in every installation; the extra `serve` brings the libraries that it runs on.
_NEEDED = {"services", "aiohttp", "onnxruntime"}
_REQUIREMENTS = {
    "pool": ({"services", "aiohttp"}, "serve,cli"),
    "learn": ({"scorer", "onnx", "onnxruntime"}, "train,cli"),
}
"""What other commands need, and the extras that bring it."""


def add_program(app: typer.Typer, name: str) -> None:
    """Adds a command that hands all its arguments on, `--help` too."""
    settings = {"allow_extra_args": True, "ignore_unknown_options": True}
    add = app.command(name, help=_SUMMARIES[name], add_help_option=False, context_settings=settings)
    add(become)


def become(context: typer.Context) -> NoReturn:
    """Replaces this process by the program of the command.

    Raises:
        typer.Exit: The services are not installed.
    """
    name = str(context.info_name)
    needed, extras = _REQUIREMENTS.get(name, (_NEEDED, "serve,cli"))
    if any(importlib.util.find_spec(module) is None for module in needed):
        error = StackError(f"the services are not installed: pip install 'routemoa[{extras}]'")
        failure = describe(error, "")
        open_console(stderr=True).print(failure.as_text(), soft_wrap=True)
        raise typer.Exit(failure.exit_code)
    command = (sys.executable, "-m", _MODULES[name], name, *context.args)
    os.execv(sys.executable, command)  # noqa: S606  # our own module, without a shell
