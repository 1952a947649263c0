"""`routemoa up`: the whole system on this machine, until Ctrl-C."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from routemoa.cli.command import run
from routemoa.cli.terminal import open_console
from routemoa.client import ROUTER_ADDRESS, SCORER_ADDRESS
from services.local.pool_scores import pool_scores, show_scores
from services.local.real_pool import real_pool
from services.local.stack import StackConfig, running_stack

if TYPE_CHECKING:
    from rich.console import Console

    from services.local.stack import Stack

SIMULATED_NOTICE = "SIMULATED POOL: a simulator writes the replies, no language model runs."

REAL_NOTICE = "SMALL REAL MODELS: they run on this machine's CPU, and are often wrong.\n\
`--strategy single` answers soonest: merging takes a slow CPU a minute."

PoolFile = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Pool file; default: a simulated pool."),
]
Real = Annotated[
    bool,
    typer.Option("--real", help="Serve two small real models, which `make models` installs."),
]
Models = Annotated[
    Path, typer.Option(file_okay=False, help="With --real: the environment of `make models`.")
]
Artifact = Annotated[
    Path | None,
    typer.Option(exists=True, file_okay=False, help="Scorer artifact; default: the shipped one."),
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free port.")]


def up(
    *,
    pool: PoolFile = None,
    real: Real = False,
    models: Models = Path(".venv-models"),
    artifact: Artifact = None,
    scorer_port: Port = 50051,
    router_port: Port = 50052,
    judge_port: Port = 50053,
    simulator_port: Port = 50054,
    gateway_port: Port = 8080,
) -> None:
    """Starts scorer, judge, router and gateway, and a simulated pool unless a real one is given."""
    if real and pool is not None:
        raise typer.BadParameter("--real has a pool file of its own: leave out --pool.")
    config = StackConfig(
        pool_file=pool,
        artifact=artifact,
        scorer_port=scorer_port,
        router_port=router_port,
        judge_port=judge_port,
        simulator_port=simulator_port,
        gateway_port=gateway_port,
    )
    console = open_console()
    work = serve_real(console, config, models) if real else serve(console, config)
    run(work, address="", as_json=False)


async def serve(console: Console, config: StackConfig) -> None:
    """Runs the stack until it is cancelled.

    Raises:
        StackError: It cannot start, or one of its processes ends.
    """
    console.print(Text("Starting the services ...", style="dim"))
    async with running_stack(config) as stack:
        show_stack(console, stack)
        if config.pool_file is not None:
            show_scores(console, pool_scores(config.pool_file, config.artifact))
        raise await stack.wait_for_failure()


async def serve_real(console: Console, config: StackConfig, models: Path) -> None:
    """Runs the stack with the small real models until it is cancelled.

    Raises:
        StackError: It cannot start, or one of its processes ends.
    """
    console.print(Text("Loading the models ...", style="dim"))
    async with real_pool(models) as pool_file:
        console.print(Text(REAL_NOTICE, style="bold yellow"))
        await serve(console, replace(config, pool_file=pool_file))


def openai_environment(stack: Stack) -> tuple[str, ...]:
    """Returns the commands that point clients of OpenAI's API at the gateway."""
    return (
        f"export OPENAI_BASE_URL=http://{stack.gateway_address}/v1",
        "export OPENAI_API_KEY=any",
    )


def show_stack(console: Console, stack: Stack) -> None:
    """Shows the addresses of the services and the commands to try next."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, address in (
        ("gateway", f"http://{stack.gateway_address}"),
        ("router", stack.router_address),
        ("scorer", stack.scorer_address),
        ("judge", stack.judge_address),
        ("simulator", stack.simulator_url),
    ):
        if address is not None:
            table.add_row(name, address, Text(f"pid {stack.pids[name]}", style="dim"))
    console.print(Text("RouteMoA is up.", style="bold green"))
    if stack.simulator_url is not None:
        console.print(Text(SIMULATED_NOTICE, style="bold yellow"))
        console.print(Text("It answers a dozen questions, and no other.", style="yellow"))
    console.print(table)
    router = "" if stack.router_address == ROUTER_ADDRESS else f" --router {stack.router_address}"
    scorer = "" if stack.scorer_address == SCORER_ADDRESS else f" --scorer {stack.scorer_address}"
    console.print(Text(f"\nIn a browser: http://{stack.gateway_address}/"))
    console.print("\nFor any client of OpenAI's API, in another terminal:")
    for line in openai_environment(stack):
        console.print(Text(f"  {line}"))
    console.print("\nOr the command line:")
    console.print(Text(f'  routemoa ask{router} "Why is the sky blue?"'))
    console.print(Text(f'  routemoa rank{scorer} "Why is the sky blue?"'))
    console.print(Text(f"  routemoa models{router}"))
    console.print(Text("\nCtrl-C stops everything.", style="dim"))
