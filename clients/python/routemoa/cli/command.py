"""Runs the coroutine of a command: signals cancel it, failures are shown, the exit code is set."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from routemoa.cli.failures import EXIT_INTERRUPTED, StackError, describe
from routemoa.cli.terminal import open_console, print_json
from routemoa.errors import RouteMoAError

if TYPE_CHECKING:
    from collections.abc import Coroutine

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object and nothing else, even for an error.")
]
RouterOption = Annotated[
    str, typer.Option("--router", envvar="ROUTEMOA_ROUTER", help="Address of the router.")
]
ScorerOption = Annotated[
    str, typer.Option("--scorer", envvar="ROUTEMOA_SCORER", help="Address of the scorer.")
]
QueryArgument = Annotated[str, typer.Argument(help="The query; - reads it from standard input.")]
ModelOption = Annotated[
    list[str] | None, typer.Option("--model", help="A model that may run; repeat for more.")
]
StrategyOption = Annotated[
    str,
    typer.Option(help="Strategy, e.g. single, moa or cascade; default: the router's."),
]


def run(work: Coroutine[object, object, int | None], *, address: str, as_json: bool) -> None:
    """Runs a command to its end and leaves with its exit code.

    Args:
        work: The command; it returns the exit code, None for success.
        address: The address that it calls, for the text of failures.
        as_json: Whether failures are shown as JSON, on standard output.

    Raises:
        typer.Exit: Always, unless the exit code is 0.
    """
    try:
        exit_code = asyncio.run(_cancelled_by_signals(work)) or 0
    except (asyncio.CancelledError, KeyboardInterrupt):
        exit_code = EXIT_INTERRUPTED
    except (RouteMoAError, StackError) as error:
        failure = describe(error, address)
        if as_json:
            print_json(failure.as_dict())
        else:
            open_console(stderr=True).print(failure.as_text(), soft_wrap=True)
        exit_code = failure.exit_code
    if exit_code:
        raise typer.Exit(exit_code)


async def _cancelled_by_signals(work: Coroutine[object, object, int | None]) -> int | None:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is not None and sys.platform != "win32":  # there, asyncio handles only Ctrl-C
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
    return await work


def read_query(argument: str) -> str:
    """Returns the query: the argument, or standard input for `-`.

    Raises:
        typer.BadParameter: The text is not UTF-8.
    """
    try:
        query = sys.stdin.buffer.read().decode().rstrip("\n") if argument == "-" else argument
        query.encode()  # bytes that are not UTF-8 arrive as lone surrogates
    except UnicodeError:
        raise typer.BadParameter("the query is not valid UTF-8") from None
    return query
