"""`routemoa rank`: ranks the models for a query before any of them runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

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
    QueryArgument,
    RouterOption,
    ScorerOption,
    read_query,
    run,
)
from routemoa.cli.render import explanation_table, fallback_text, scores_table, uncertainty_words
from routemoa.cli.terminal import open_console, print_json, printable, seconds, span
from routemoa.client import ROUTER_ADDRESS, SCORER_ADDRESS
from routemoa.v1.router_service_pb2 import RoutingPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


def rank(
    query: QueryArgument,
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Ask the router which models it would run, and why.")
    ] = False,
    scorer: ScorerOption = SCORER_ADDRESS,
    router: RouterOption = ROUTER_ADDRESS,
    tls: TlsOption = False,
    ca_file: CaFileOption = None,
    certificate_file: CertificateFileOption = None,
    key_file: KeyFileOption = None,
    token_file: TokenFileOption = None,
    proxy: ProxyOption = False,
    model: Annotated[
        list[str] | None, typer.Option(help="A model to rank; repeat for more. Default: all.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds that it may take.")] = 5.0,
    as_json: JsonOption = False,
) -> None:
    """Ranks models for a query without running any."""
    access = read_access(
        tls=tls,
        ca_file=ca_file,
        certificate_file=certificate_file,
        key_file=key_file,
        token_file=token_file,
        proxy=proxy,
    )
    show, address = (show_decision, router) if explain else (show_scores, scorer)
    text, console = read_query(query), open_console()
    work = show(
        console, address, text, model or (), access=access, timeout_s=timeout, as_json=as_json
    )
    run(work, address=address, as_json=as_json)


async def show_scores(
    console: Console,
    address: str,
    query: str,
    model_ids: Sequence[str],
    *,
    access: Access = PLAIN,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Shows the ranking of the scorer at `address`."""
    async with access.client(scorer=address) as client:
        response = await client.rank(query, model_ids, timeout_s=timeout_s)
    if as_json:
        print_json(response)
        return
    console.print(scores_table(response))
    timing = response.timing
    details = [
        f"scorer {printable(response.scorer_version)}",
        *uncertainty_words(response),
        f"queue {span(seconds(timing.queue_duration))}",
        f"tokenization {span(seconds(timing.tokenization_duration))}",
        f"inference {span(seconds(timing.inference_duration))}",
    ]
    console.print(Text(" · ".join(details), style="dim"))
    if response.truncated:
        console.print(Text("The query is longer than the scorer's limit: its middle was left out."))


async def show_decision(
    console: Console,
    address: str,
    query: str,
    model_ids: Sequence[str],
    *,
    access: Access = PLAIN,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Shows the models that the router at `address` would run in a first layer, and why."""
    async with access.client(address) as client:
        response = await client.route(
            query, RoutingPolicy(model_ids=model_ids), full_ranking=True, timeout_s=timeout_s
        )
    if as_json:
        print_json(response)
        return
    console.print(explanation_table(response.ranked_models))
    console.print(Text("".join(uncertainty_words(response)) or "not ranked", style="dim"))
    for fallback in response.fallbacks:
        console.print(fallback_text(fallback))
