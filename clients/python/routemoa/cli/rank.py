"""`routemoa rank`: what the scorer expects of each model, before any of them runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from routemoa.cli.command import JsonOption, QueryArgument, ScorerOption, read_query, run
from routemoa.cli.render import scores_table
from routemoa.cli.terminal import open_console, print_json, printable, seconds, span
from routemoa.client import SCORER_ADDRESS, RouteMoAClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


def rank(
    query: QueryArgument,
    *,
    scorer: ScorerOption = SCORER_ADDRESS,
    model: Annotated[
        list[str] | None, typer.Option(help="A model to rank; repeat for more. Default: all.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds that it may take.")] = 5.0,
    as_json: JsonOption = False,
) -> None:
    """Ranks models for a query without running any."""
    work = show_scores(
        open_console(), scorer, read_query(query), model or (), timeout_s=timeout, as_json=as_json
    )
    run(work, address=scorer, as_json=as_json)


async def show_scores(
    console: Console,
    address: str,
    query: str,
    model_ids: Sequence[str],
    *,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Shows the ranking of the scorer at `address`."""
    async with RouteMoAClient(scorer=address) as client:
        response = await client.rank(query, model_ids, timeout_s=timeout_s)
    if as_json:
        print_json(response)
        return
    console.print(scores_table(response))
    timing = response.timing
    details = [
        f"scorer {printable(response.scorer_version)}",
        f"queue {span(seconds(timing.queue_duration))}",
        f"tokenization {span(seconds(timing.tokenization_duration))}",
        f"inference {span(seconds(timing.inference_duration))}",
    ]
    console.print(Text(" · ".join(details), style="dim"))
    if response.truncated:
        console.print(Text("The query is longer than the scorer reads: its middle was left out."))
