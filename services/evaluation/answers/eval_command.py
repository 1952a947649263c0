"""`routemoa eval`: measures quality, cost and time of the whole system on recorded answers."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from google.protobuf import json_format
from rich.progress import Progress
from rich.text import Text

from routemoa.cli.ask import MAX_TIMEOUT_S
from routemoa.cli.command import JsonOption, StrategyOption, run
from routemoa.cli.terminal import open_console, print_json
from routemoa.v1.router_service_pb2 import RoutingPolicy
from services.evaluation.answers.answer_replay import ReplayOptions, replay_answers
from services.evaluation.answers.answer_report import AnswerReport, summarize_answers
from services.evaluation.answers.answer_tables import answer_document
from services.evaluation.answers.pacing import ReplayPacing
from services.evaluation.answers.prices import PriceFileError, load_prices
from services.evaluation.answers.recorded_pool import (
    PoolFolderError,
    RecordedPool,
    load_recorded_pool,
)
from services.evaluation.report.document import console_table, markdown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.evaluation.answers.recorded_pool import RecordedQuery

_DOLLARS = {
    True: "as recorded; calls that are not recorded, by the recorded price per token",
    False: "not recorded in this pool; every price is zero",
}


Folder = Annotated[
    Path,
    typer.Option(
        "--replay", exists=True, file_okay=False, help="Folder of a pool's recorded answers."
    ),
]
Artifact = Annotated[
    Path | None,
    typer.Option(exists=True, file_okay=False, help="Scorer artifact; default: the shipped one."),
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
    float, typer.Option(min=0, help="Writing speed of the replayed models; 0: they answer at once.")
]
FirstToken = Annotated[
    float, typer.Option(min=0, help="Seconds to the first token, with --tokens-per-second.")
]
Speedup = Annotated[float, typer.Option(min=1, help="Factor by which the replay is faster.")]
PolicyFields = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="A field of RoutingPolicy; repeat for more."),
]
Timeout = Annotated[
    float, typer.Option(min=0, max=MAX_TIMEOUT_S, help="Time limit of one answer in seconds.")
]
MarkdownFile = Annotated[
    Path | None,
    typer.Option("--markdown", dir_okay=False, help="Also write the tables to this file."),
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
    seed: Annotated[int, typer.Option(help="Seed of the drawn queries and of the intervals.")] = 0,
    timeout: Timeout = 60.0,
    markdown_file: MarkdownFile = None,
    as_json: JsonOption = False,
) -> None:
    """Answers recorded queries with the real services and compares with simpler methods."""
    assignments = [f"strategy={strategy}"] if strategy else []
    assignments += policy or ()
    options = ReplayOptions(
        policy=parse_policy(assignments),
        artifact=artifact,
        concurrency=concurrency,
        timeout_s=timeout,
    )
    pacing = None
    if tokens_per_second:
        pacing = ReplayPacing(
            first_token_s=first_token, tokens_per_second=tokens_per_second, speedup=speedup
        )
    pool = _load_pool(folder, exclude or (), price_file, pacing)
    drawn = draw_queries(pool, queries, seed)
    settings = _pool_settings(pool, exclude or (), price_file) | {
        "queries": f"{len(drawn)} of {len(pool.test)} test queries, seed {seed}",
        "policy": ", ".join(assignments) or "defaults",
        "concurrency": str(concurrency),
    }

    async def work() -> int:
        report = await _measure(pool, drawn, options, settings, seed=seed)
        _show(report, markdown_file, as_json=as_json)
        return int(sum(report.failed_queries.values()) == report.query_count)

    run(work(), address="the services that it started", as_json=as_json)


def _pool_settings(
    pool: RecordedPool, exclude: Sequence[str], price_file: Path | None
) -> dict[str, str]:
    """Returns the settings that describe the pool."""
    return {
        "pool": f"{pool.name}, {len(pool.models)} models",
        "left out": ", ".join(exclude) or "nothing",
        "dollars": f"list prices of {price_file}" if price_file else _DOLLARS[pool.has_costs],
        "time": _pacing_text(pool.pacing),
    }


def _load_pool(
    folder: Path, exclude: Sequence[str], price_file: Path | None, pacing: ReplayPacing | None
) -> RecordedPool:
    """Loads the pool that the options describe.

    Raises:
        typer.BadParameter: A file cannot be used.
    """
    try:
        pool = dataclasses.replace(load_recorded_pool(folder).without(exclude), pacing=pacing)
        return pool if price_file is None else pool.priced(load_prices(price_file, pool.models))
    except (PoolFolderError, PriceFileError) as error:
        raise typer.BadParameter(str(error)) from None


async def _measure(
    pool: RecordedPool,
    queries: Sequence[RecordedQuery],
    options: ReplayOptions,
    settings: Mapping[str, str],
    *,
    seed: int,
) -> AnswerReport:
    with Progress(console=open_console(stderr=True), transient=True) as progress:
        bar = progress.add_task("replaying", total=len(queries))
        replay = await replay_answers(
            pool, queries, options, on_result=lambda: progress.advance(bar)
        )
    scorer = f"{replay.scorer_version}, knows {len(replay.scored_models)} of the models"
    return summarize_answers(pool, replay.results, {**settings, "scorer": scorer}, seed=seed)


def parse_policy(assignments: Sequence[str]) -> RoutingPolicy:
    """Returns the policy of ``key=value`` texts; commas separate the items of a list.

    Raises:
        typer.BadParameter: Some are wrong; all of these are named.
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
            problems.append(f"{key}: {value!r} is not a valid value")
    if problems:
        raise typer.BadParameter("; ".join(problems), param_hint="--policy")
    return policy


def draw_queries(pool: RecordedPool, count: int, seed: int) -> Sequence[RecordedQuery]:
    """Returns ``count`` test queries, or all if there are fewer, the same for the same seed."""
    generator = random.Random(seed)  # noqa: S311 - a sample, not cryptography
    return generator.sample(pool.test, min(count, len(pool.test)))


def _pacing_text(pacing: ReplayPacing | None) -> str:
    if pacing is None:
        return "models answer at once"
    return (
        f"{pacing.first_token_s:g} s to the first token, "
        f"{pacing.tokens_per_second:g} tokens per second, replayed {pacing.speedup:g} times faster"
    )


def _show(report: AnswerReport, markdown_file: Path | None, *, as_json: bool) -> None:
    document = answer_document(report)
    if markdown_file is not None:
        markdown_file.write_text(markdown(document), encoding="utf-8")
    if as_json:
        print_json(dataclasses.asdict(report))
        return
    console = open_console()
    for name, value in document.settings.items():
        console.print(Text(f"{name}: {value}", style="dim"))
    for grid in document.grids:
        console.print()
        console.print(console_table(grid))
