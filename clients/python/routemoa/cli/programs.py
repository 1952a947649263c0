"""The commands that are programs of the services: each replaces this process by its program.

The client imports nothing of the services. The process is replaced, so signals, the terminal and the
exit status are the program's own and nothing can outlive it. An installed distribution keeps the
programs' packages in `routemoa_server`, which is put on the path of the program alone.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import NoReturn

import typer

from routemoa.cli.failures import StackError, describe
from routemoa.cli.terminal import open_console

_SUMMARIES = {
    "demo": "Starts everything on a simulated pool and asks it questions.",
    "up": "Starts scorer, judge and router, and a simulated pool unless a real one is given.",
    "pool": "Checks a pool file and its endpoints.",
    "examine": "Finds out by questions what the models of a pool can do.",
    "eval": "Answers recorded queries and compares with simpler methods.",
    "learn": "Corrects a scorer by decisions and the feedback on them.",
    "replay": "Shows what another policy would have chosen, by decision records.",
    "rollout": "Brings a new artifact to running scorers by steps, and back if it is worse.",
    "arena": "Writes a submission to RouterArena, and gives the figures of its files.",
    "serve": "Runs one service: scorer, router, judge or gateway.",
    "scorer": "Trains, exports and inspects scorers.",
}
_MODULES = {
    **dict.fromkeys(("demo", "up", "pool"), "services.local"),
    **dict.fromkeys(("eval", "replay", "rollout", "arena"), "services.evaluation"),
    "examine": "services.examination",
    "learn": "scorer",
}
_SERVICES = ("scorer", "router", "judge", "gateway")
_DISTRIBUTION = "routemoa_server"
# The extra `serve` brings the libraries that the services run on.
_NEEDED: dict[str, tuple[str, ...]] = {
    "pool": ("aiohttp",),
    "examine": ("aiohttp", "numpy"),
    "serve": ("uvloop",),
    "learn": ("onnx",),
}
_NEEDED_BY_OTHERS = ("aiohttp", "onnxruntime")


def add_program(app: typer.Typer, name: str) -> None:
    """Adds a command that hands all its arguments on, `--help` too."""
    settings = {"allow_extra_args": True, "ignore_unknown_options": True}
    add = app.command(name, help=_SUMMARIES[name], add_help_option=False, context_settings=settings)
    add(become)


def become(context: typer.Context) -> NoReturn:
    """Replaces this process by the program of the command.

    Raises:
        typer.Exit: The services are not installed, or there is no such service.
    """
    name = str(context.info_name)
    needed = _NEEDED.get(name, _NEEDED_BY_OTHERS)
    folder = server_folder()
    if folder is None or any(importlib.util.find_spec(module) is None for module in needed):
        give_up("the services are not installed: pip install 'routemoa[serve,cli]'")
    command = (sys.executable, "-m", *program(name, context.args))
    folders = (str(folder), os.environ.get("PYTHONPATH", ""))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
    os.execv(sys.executable, command)  # noqa: S606  # our own module, without a shell


def program(name: str, arguments: list[str]) -> list[str]:
    """Returns the module of a command, and its arguments."""
    if name == "scorer":
        return ["scorer", *arguments]
    if name != "serve":
        return [_MODULES[name], name, *arguments]
    if not arguments or arguments[0] not in _SERVICES:
        give_up(f"name the service to run: {', '.join(_SERVICES)}")
    return [f"services.{arguments[0]}", *arguments[1:]]


def server_folder() -> Path | None:
    """Returns the folder of an installed server's packages, the checkout's, or nothing."""
    spec = importlib.util.find_spec(_DISTRIBUTION)
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    spec = importlib.util.find_spec("services")
    return None if spec is None or spec.origin is None else Path(spec.origin).parents[1]


def give_up(problem: str) -> NoReturn:
    """Ends the command with what is wrong.

    Raises:
        typer.Exit: Always.
    """
    failure = describe(StackError(problem), "")
    open_console(stderr=True).print(failure.as_text(), soft_wrap=True)
    raise typer.Exit(failure.exit_code)
