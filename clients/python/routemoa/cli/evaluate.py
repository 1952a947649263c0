"""`routemoa eval`: how good, dear and fast the running system is on recorded answers."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from google.protobuf import json_format
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from routemoa.cli.ask import MAX_TIMEOUT_S
from routemoa.cli.command import JsonOption, StrategyOption, run
from routemoa.cli.evaluation.pace import Pace
from routemoa.cli.evaluation.prices import PriceFileError, load_prices
from routemoa.cli.evaluation.replay import ReplayOptions, replay
from routemoa.cli.evaluation.replay_pool import PoolFolderError, ReplayPool, load_replay_pool
from routemoa.cli.evaluation.report import Report, summarize
from routemoa.cli.evaluation.tables import console_tables, markdown
from routemoa.cli.terminal import open_console, print_json
from routemoa.v1.router_service_pb2 import RoutingPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routemoa.cli.evaluation.replay_pool import Record

_DOLLARS = {
    True: "as recorded; what is not, by the recorded price per token",
    False: "not recorded in this pool; every price is zero",
}


Folder = Annotated[
    Path,
    typer.Option(
        "--replay", exists=True, file_okay=False, help="Folder of a pool's recorded answers."
    ),
]
Artifact = Annotated[
    Path | None, typer.Option(exists=True, file_okay=False, help="Scorer that ranks.")
]
Exclude = Annotated[
    list[str] | None, typer.Option(help="A model to leave out of the pool; repeat for more.")
]
PriceFile = Annotated[
    Path | None,
    typer.Option(
        "--prices", exists=True, dir_okay=False, help="Prices, where no costs are recorded."
    ),
]
TokensPerSecond = Annotated[
    float, typer.Option(min=0, help="Pace of the replayed models; 0: they answer at once.")
]
FirstToken = Annotated[
    float, typer.Option(min=0, help="Seconds until they begin, if they have a pace.")
]
Speedup = Annotated[float, typer.Option(min=1, help="How much faster than that the replay runs.")]
PolicyFields = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="A field of RoutingPolicy; repeat for more."),
]
Timeout = Annotated[
    float, typer.Option(min=0, max=MAX_TIMEOUT_S, help="Seconds that one answer may take.")
]
MarkdownFile = Annotated[
    Path | None, typer.Option("--markdown", dir_okay=False, help="Write the tables here too.")
]


def evaluate(
    *,
    folder: Folder,
    queries: Annotated[int, typer.Option(min=1, help="Test queries, drawn at random.")] = 200,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Queries at a time.")] = 4,
    artifact: Artifact = None,
    exclude: Exclude = None,
    price_file: PriceFile = None,
    tokens_per_second: TokensPerSecond = 0.0,
    first_token: FirstToken = 0.5,
    speedup: Speedup = 10.0,
    strategy: StrategyOption = "",
    policy: PolicyFields = None,
    seed: Annotated[int, typer.Option(help="Of the draw of queries and of the intervals.")] = 0,
    timeout: Timeout = 60.0,
    markdown_file: MarkdownFile = None,
    as_json: JsonOption = False,
) -> None:
    """Runs recorded queries through the real services and compares with simpler choices."""
    assignments = [f"strategy={strategy}"] if strategy else []
    assignments += policy or ()
    options = ReplayOptions(
        policy=parse_policy(assignments),
        artifact=artifact,
        concurrency=concurrency,
        timeout_s=timeout,
    )
    pace = None
    if tokens_per_second:
        pace = Pace(first_token_s=first_token, tokens_per_second=tokens_per_second, speedup=speedup)
    pool = _load_pool(folder, exclude or (), price_file, pace)
    records = draw_records(pool, queries, seed)
    settings = _pool_settings(pool, exclude or (), price_file) | {
        "queries": f"{len(records)} of {len(pool.test)} test queries, seed {seed}",
        "policy": ", ".join(assignments) or "defaults",
        "concurrency": str(concurrency),
    }

    async def work() -> int:
        report = await _measure(pool, records, options, settings, seed=seed)
        _show(report, markdown_file, as_json=as_json)
        return int(sum(report.failed_queries.values()) == report.query_count)

    run(work(), address="the services that it started", as_json=as_json)


def _pool_settings(
    pool: ReplayPool, exclude: Sequence[str], price_file: Path | None
) -> dict[str, str]:
    """Says what is replayed."""
    return {
        "pool": f"{pool.name}, {len(pool.models)} models",
        "left out": ", ".join(exclude) or "nothing",
        "dollars": f"list prices of {price_file}" if price_file else _DOLLARS[pool.has_costs],
        "time": _pace_text(pool.pace),
    }


def _load_pool(
    folder: Path, exclude: Sequence[str], price_file: Path | None, pace: Pace | None
) -> ReplayPool:
    """Loads what is replayed, as the options want it.

    Raises:
        typer.BadParameter: If a file cannot be used.
    """
    try:
        pool = dataclasses.replace(load_replay_pool(folder).without(exclude), pace=pace)
        return pool if price_file is None else pool.priced(load_prices(price_file, pool.models))
    except (PoolFolderError, PriceFileError) as error:
        raise typer.BadParameter(str(error)) from None


async def _measure(
    pool: ReplayPool,
    records: Sequence[Record],
    options: ReplayOptions,
    settings: Mapping[str, str],
    *,
    seed: int,
) -> Report:
    with _progress() as progress:
        bar = progress.add_task("replaying", total=len(records))
        result = await replay(pool, records, options, on_outcome=lambda: progress.advance(bar))
    scorer = f"{result.scorer_version}, knows {len(result.scored_models)} of the models"
    return summarize(pool, result.outcomes, {**settings, "scorer": scorer}, seed=seed)


def parse_policy(assignments: Sequence[str]) -> RoutingPolicy:
    """Returns the policy that ``key=value`` texts describe; lists are separated by commas.

    Raises:
        typer.BadParameter: If any of them is wrong; all are named.
    """
    policy = RoutingPolicy()
    problems = []
    for assignment in assignments:
        key, _, value = assignment.partition("=")
        field = RoutingPolicy.DESCRIPTOR.fields_by_name.get(key)
        if field is None:
            problems.append(f"{key!r} is not one of {', '.join(policy.DESCRIPTOR.fields_by_name)}")
            continue
        try:
            content = value.split(",") if field.is_repeated else value
            json_format.ParseDict({key: content}, policy)
        except json_format.ParseError:
            problems.append(f"{key}: {value!r} is not a value of it")
    if problems:
        raise typer.BadParameter("; ".join(problems), param_hint="--policy")
    return policy


def draw_records(pool: ReplayPool, count: int, seed: int) -> Sequence[Record]:
    """Returns ``count`` test records, or all if there are fewer, the same for the same seed."""
    generator = random.Random(seed)  # noqa: S311 - a sample, not cryptography
    return generator.sample(pool.test, min(count, len(pool.test)))


def _pace_text(pace: Pace | None) -> str:
    if pace is None:
        return "models answer at once"
    return (
        f"{pace.first_token_s:g} s to the first token, {pace.tokens_per_second:g} tokens per second, "
        f"replayed {pace.speedup:g} times faster"
    )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=open_console(stderr=True),
        transient=True,
    )


def _show(report: Report, markdown_file: Path | None, *, as_json: bool) -> None:
    if markdown_file is not None:
        markdown_file.write_text(markdown(report), encoding="utf-8")
    if as_json:
        print_json(dataclasses.asdict(report))
        return
    console = open_console()
    for name, value in report.settings.items():
        console.print(Text(f"{name}: {value}", style="dim"))
    for table in console_tables(report):
        console.print()
        console.print(table)
