"""`routemoa replay`: what another policy would have chosen, by the decision records."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import typer

from routemoa.cli.failures import describe
from routemoa.cli.process import StackError
from routemoa.cli.terminal import open_console

MODULE = "services.replay"


def replay(context: typer.Context) -> None:
    """Tells what another policy or scorer would have chosen, by the router's decision records."""
    if importlib.util.find_spec("services") is None:
        error = StackError("the services are not installed: pip install 'routemoa[serve,cli]'")
        failure = describe(error, "")
        open_console(stderr=True).print(failure.as_text(), soft_wrap=True)
        raise typer.Exit(failure.exit_code)
    # It ranks with the router's own code, which the client does not import.
    command = [sys.executable, "-m", MODULE, *context.args]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603  # our own module
