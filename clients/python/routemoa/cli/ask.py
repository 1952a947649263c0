"""`routemoa ask`: answers a query and shows the steps of the answer."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from routemoa.cli.access import (
    PLAIN,
    Access,
    CaFileOption,
    CertificateFileOption,
    KeyFileOption,
    ProxyOption,
    TlsOption,
    TokenFileOption,
    read_access,
)
from routemoa.cli.command import (
    JsonOption,
    ModelOption,
    QueryArgument,
    RouterOption,
    StrategyOption,
    read_query,
    run,
)
from routemoa.cli.render import incomplete_note
from routemoa.cli.terminal import open_console, print_json, printable
from routemoa.cli.view import AnswerView
from routemoa.client import ROUTER_ADDRESS
from routemoa.v1.router_service_pb2 import RoutingPolicy

if TYPE_CHECKING:
    from rich.console import Console

# The packaged service config ends every answer at this age, whatever the caller allows.
MAX_TIMEOUT_S = 600.0

UsdOption = Annotated[
    float | None, typer.Option(help="Dollars that one more right answer is worth.")
]
SecondsOption = Annotated[
    float | None, typer.Option(help="Seconds that one more right answer is worth.")
]


def ask(
    query: QueryArgument,
    *,
    router: RouterOption = ROUTER_ADDRESS,
    tls: TlsOption = False,
    ca_file: CaFileOption = None,
    certificate_file: CertificateFileOption = None,
    key_file: KeyFileOption = None,
    token_file: TokenFileOption = None,
    proxy: ProxyOption = False,
    model: ModelOption = None,
    strategy: StrategyOption = "",
    preset: Annotated[str, typer.Option(help="Named settings, e.g. large-pool.")] = "",
    max_models: Annotated[int | None, typer.Option(help="Most models per layer.")] = None,
    max_layers: Annotated[int | None, typer.Option(help="Most layers.")] = None,
    max_cost_usd: Annotated[float | None, typer.Option(help="Most the answer may cost.")] = None,
    stopping_score: Annotated[
        float | None, typer.Option(help="Score at which no further layer runs.")
    ] = None,
    quality_weight: Annotated[float | None, typer.Option(help="Weight of the score.")] = None,
    usd_per_right_answer: UsdOption = None,
    seconds_per_right_answer: SecondsOption = None,
    timeout: Annotated[
        float, typer.Option(min=0, max=MAX_TIMEOUT_S, help="Seconds that the answer may take.")
    ] = 60.0,
    explain: Annotated[
        bool, typer.Option("--explain", help="Explain why each model runs or does not.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the answer.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Answers a query and shows the models that ran, their scores and the cost."""
    policy = RoutingPolicy(
        strategy=strategy,
        preset=preset,
        quality_weight=quality_weight,
        usd_per_right_answer=usd_per_right_answer,
        seconds_per_right_answer=seconds_per_right_answer,
        max_layer_model_count=max_models,
        max_layer_count=max_layers,
        stopping_score=stopping_score,
        max_cost_usd=max_cost_usd,
        model_ids=model or (),
    )
    access = read_access(
        tls=tls,
        ca_file=ca_file,
        certificate_file=certificate_file,
        key_file=key_file,
        token_file=token_file,
        proxy=proxy,
    )
    text = read_query(query)
    if quiet or as_json:
        work = print_answer(router, text, policy, access=access, timeout_s=timeout, as_json=as_json)
    else:
        work = show_answer(
            open_console(), router, text, policy, access=access, timeout_s=timeout, explain=explain
        )
    run(work, address=router, as_json=as_json)


async def show_answer(
    console: Console,
    address: str,
    query: str,
    policy: RoutingPolicy,
    *,
    access: Access = PLAIN,
    timeout_s: float,
    explain: bool = False,
) -> None:
    """Shows the answer of the router at `address` while it is generated."""
    async with (
        access.client(address) as client,
        aclosing(client.stream(query, policy, full_ranking=True, timeout_s=timeout_s)) as events,
    ):
        await AnswerView(console, explain=explain).show(events)


async def print_answer(
    address: str,
    query: str,
    policy: RoutingPolicy,
    *,
    access: Access = PLAIN,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Prints the whole result as JSON, or only the text of the answer."""
    async with access.client(address) as client:
        result = await client.answer(query, policy, timeout_s=timeout_s)
    if as_json:
        print_json(result)
    else:
        typer.echo(printable(result.answer.text))
        if note := incomplete_note(result.answer):
            typer.echo(note, err=True)
