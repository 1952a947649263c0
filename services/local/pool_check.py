"""`routemoa pool`: checks a pool file and its endpoints, and shows the result as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from routemoa.cli.command import JsonOption, run
from routemoa.cli.failures import EXIT_BAD_INPUT, EXIT_FAILURE
from routemoa.cli.terminal import open_console, print_json, printable, span
from services.local.pool_scores import show_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.check.report import EndpointReport
    from services.router.check.score_report import ScoreReport

PoolOption = Annotated[
    Path,
    typer.Option(
        "--pool", envvar="ROUTEMOA_ROUTER_POOL_FILE", exists=True, dir_okay=False, help="Pool file."
    ),
]
ArtifactOption = Annotated[
    Path | None,
    typer.Option("--artifact", exists=True, file_okay=False, help="The scorer's artifact."),
]
_COLUMNS = ("model", "endpoint", "answers", "in", "known", "key", "price", "context window")

app = typer.Typer(help="Checks a pool file and its endpoints.", no_args_is_help=True)


@app.command()
def validate(
    *, pool: PoolOption, artifact: ArtifactOption = None, as_json: JsonOption = False
) -> None:
    """Reads a pool file as the router would, and calls no endpoint."""
    checked = _check(pool, artifact, None, as_json=as_json, capabilities=False)
    run(checked, address="", as_json=as_json)


@app.command()
def check(
    *,
    pool: PoolOption,
    artifact: ArtifactOption = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds for each request.")] = 30.0,
    capabilities: Annotated[
        bool, typer.Option("--capabilities", help="Find out what each can do: five more calls.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Asks every endpoint for its models and for short replies, which cost money."""
    checked = _check(pool, artifact, timeout, as_json=as_json, capabilities=capabilities)
    run(checked, address="", as_json=as_json)


async def _check(
    pool_file: Path,
    artifact: Path | None,
    timeout_s: float | None,
    *,
    as_json: bool,
    capabilities: bool,
) -> int:
    """Shows the problems and returns the exit code; calls no endpoint without a time limit."""
    # Imported here: they take half a second of processor time, and `up` and `demo` do without them.
    from services.router.check.probe import check_pool  # noqa: PLC0415
    from services.router.check.score_report import (  # noqa: PLC0415
        read_artifact_models,
        score_reports,
    )
    from services.router.pool.pool import load_pool  # noqa: PLC0415
    from services.rpc.file_problems import FileProblemsError  # noqa: PLC0415
    from services.rpc.telemetry import set_up_logging  # noqa: PLC0415

    set_up_logging("warning")  # the reports hold the backends' words
    try:
        pool = load_pool(pool_file)
    except FileProblemsError as error:
        _show(error.problems, [], None, as_json=as_json)
        return EXIT_BAD_INPUT
    known = read_artifact_models(artifact)
    scores = None if known is None else score_reports(pool, known)
    reports = (
        []
        if timeout_s is None
        else await check_pool(pool, timeout_s=timeout_s, capabilities=capabilities)
    )
    _show([], reports, scores, as_json=as_json)
    return EXIT_FAILURE if any(report.problems for report in reports) else 0


def _show(
    problems: Sequence[str],
    reports: Sequence[EndpointReport],
    scores: Sequence[ScoreReport] | None,
    *,
    as_json: bool,
) -> None:
    if as_json:
        endpoints = [report.as_dict() for report in reports]
        listed = None if scores is None else [report.as_dict() for report in scores]
        print_json({"problems": problems, "endpoints": endpoints, "scores": listed})
        return
    console = open_console()
    if reports:
        console.print(endpoints_table(reports))
    all_problems = [*problems, *endpoint_problems(reports)]
    for problem in all_problems:
        console.print(Text(printable(problem), style="red"), soft_wrap=True)
    show_scores(console, scores or [])
    if not all_problems:
        console.print(Text("No problems.", style="green"))


def endpoints_table(reports: Sequence[EndpointReport]) -> Table:
    """Returns one row per endpoint."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for report in reports:
        answers = report.status == "OK"
        status = "yes" if answers else report.status.replace("_", " ").lower()
        known = "-" if report.model_known is None else ("yes" if report.model_known else "no")
        table.add_row(
            Text(printable(report.model_id)),
            Text(printable(report.url)),
            Text(status, style="green" if answers else "red"),
            "-" if report.latency_s is None else span(report.latency_s),
            known,
            report.key,
            "yes" if report.priced else "free",
            _context_window(report),
        )
    return table


def endpoint_problems(reports: Sequence[EndpointReport]) -> list[str]:
    """Returns every problem, with the model and the endpoint that have it."""
    return [
        f"{report.model_id} at {report.url}: {problem}"
        for report in reports
        for problem in report.problems
    ]


def _context_window(report: EndpointReport) -> str:
    served = report.served_context_window_tokens
    suffix = "" if served is None else f" of {served:,}"
    return f"{report.context_window_tokens:,}{suffix}"
