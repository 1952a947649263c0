"""`routemoa pool`: is a pool file right, and do its endpoints answer?

The services read pool files, not this package: `python -m services.router.check` does the work.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from routemoa.cli.command import JsonOption, run
from routemoa.cli.failures import EXIT_BAD_INPUT
from routemoa.cli.process import StackError
from routemoa.cli.terminal import open_console, print_json, printable, span

if TYPE_CHECKING:
    from rich.console import Console

PoolOption = Annotated[
    Path,
    typer.Option(
        "--pool", envvar="ROUTEMOA_ROUTER_POOL_FILE", exists=True, dir_okay=False, help="Pool file."
    ),
]
_COLUMNS = ("model", "endpoint", "answers", "in", "known", "key", "price", "context window")

app = typer.Typer(help="Checks a pool file and its endpoints.", no_args_is_help=True)


@app.command()
def validate(*, pool: PoolOption, as_json: JsonOption = False) -> None:
    """Reads a pool file as the router would, and calls nobody."""
    run(_show(open_console(), pool, "--offline", as_json=as_json), address="", as_json=as_json)


@app.command()
def check(
    *,
    pool: PoolOption,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds for each request.")] = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Asks every endpoint what it serves, and for one token; the tokens are paid for."""
    work = _show(open_console(), pool, "--timeout-s", str(timeout), as_json=as_json)
    run(work, address="", as_json=as_json)


async def _show(console: Console, pool: Path, *arguments: str, as_json: bool) -> int:
    """Shows what was found and returns the exit code."""
    found, exit_code = await _found(pool, arguments)
    if as_json:
        print_json(found)
        return exit_code
    if found["endpoints"]:
        console.print(endpoints_table(found["endpoints"]))
    problems = [*found["problems"], *endpoint_problems(found["endpoints"])]
    for problem in problems:
        console.print(Text(printable(problem), style="red"), soft_wrap=True)
    if not problems:
        console.print(Text("No problems.", style="green"))
    return exit_code


async def _found(pool: Path, arguments: tuple[str, ...]) -> tuple[dict[str, Any], int]:
    if importlib.util.find_spec("services") is None:
        raise StackError("the services are not installed: pip install 'routemoa[serve,cli]'")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.router.check", "--pool", str(pool), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode not in {0, 1, EXIT_BAD_INPUT} or not output:
        raise StackError(f"the check failed:\n{errors.decode(errors='replace')}")
    found: dict[str, Any] = json.loads(output)
    return found, process.returncode


def endpoints_table(endpoints: list[dict[str, Any]]) -> Table:
    """Returns one row per endpoint."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for endpoint in endpoints:
        answers = endpoint["status"] == "OK"
        status = "yes" if answers else endpoint["status"].replace("_", " ").lower()
        latency_s = endpoint["latency_s"]
        table.add_row(
            printable(endpoint["model_id"]),
            printable(endpoint["url"]),
            Text(status, style="green" if answers else "red"),
            "-" if latency_s is None else span(latency_s),
            {True: "yes", False: "no", None: "-"}[endpoint["model_known"]],
            endpoint["key"],
            "yes" if endpoint["priced"] else "free",
            _window(endpoint),
        )
    return table


def endpoint_problems(endpoints: list[dict[str, Any]]) -> list[str]:
    """Returns every problem, with the model and the endpoint that have it."""
    return [
        f"{endpoint['model_id']} at {endpoint['url']}: {problem}"
        for endpoint in endpoints
        for problem in endpoint["problems"]
    ]


def _window(endpoint: dict[str, Any]) -> str:
    served = endpoint["served_context_window_tokens"]
    said = "" if served is None else f" of {served:,}"
    return f"{endpoint['context_window_tokens']:,}{said}"
