"""`routemoa arena`: writes a submission to RouterArena, and gives the figures of its files."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress
from rich.text import Text

from routemoa.cli.command import run
from routemoa.cli.terminal import open_console
from services.evaluation.arena.choices import choices
from services.evaluation.arena.figures import arena_score, robustness
from services.evaluation.arena.files import (
    ArenaFileError,
    Submission,
    read_dataset,
    read_predictions,
)
from services.evaluation.report.document import Grid, console_table, percent, percent_range
from services.evaluation.report.estimates import estimate_mean
from services.local.stack import StackConfig
from services.router.pool.pool import load_pool
from services.rpc.file_problems import FileProblemsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.evaluation.arena.files import ArenaPrediction

SEED = 1
Dataset = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="RouterArena's router_data.json.")
]
PoolFile = Annotated[
    Path, typer.Option(exists=True, dir_okay=False, help="Pool file; no model is called.")
]
Output = Annotated[
    Path, typer.Option(file_okay=False, help="RouterArena's folder router_inference.")
]
Artifact = Annotated[
    Path | None,
    typer.Option(exists=True, file_okay=False, help="Scorer artifact; default: the shipped one."),
]
Names = Annotated[
    list[str] | None,
    typer.Option(metavar="ID=NAME", help="RouterArena's name of a model; repeat for more."),
]
Predictions = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="Predictions with their marks.")
]
Perturbed = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Predictions for the perturbed queries."),
]
app = typer.Typer(
    help="Writes a submission to RouterArena, and gives the figures of its files.",
    rich_markup_mode=None,
)


@app.command()
def predict(
    dataset: Dataset,
    *,
    pool: PoolFile,
    output: Output,
    name: Annotated[str, typer.Option(help="Name of the router.")] = "routemoa",
    artifact: Artifact = None,
    model: Names = None,
) -> None:
    """Starts the services, and writes which model each query of a dataset gets."""
    try:
        queries = read_dataset(dataset)
        ids = [each.id for each in load_pool(pool).models]
    except (ArenaFileError, FileProblemsError) as error:
        raise typer.BadParameter(str(error)) from None
    names = _names(model or (), ids)
    config = StackConfig(pool_file=pool, artifact=artifact)

    async def work() -> int:
        with Progress(console=open_console(stderr=True), transient=True) as progress:
            bar = progress.add_task("routing", total=len(queries))
            found = await choices(config, queries, on_choice=lambda: progress.advance(bar))
        submission = Submission(
            name=name,
            models=[names[each] for each in ids],
            queries=queries,
            choices={query_id: names[each] for query_id, each in found.items()},
        )
        for path in submission.write(output):
            open_console().print(Text(f"wrote {path}"))
        return 0

    run(work(), address="the services that it started", as_json=False)


@app.command()
def score(predictions: Predictions, *, perturbed: Perturbed = None) -> None:
    """Gives accuracy, dollars, the arena score and robustness of predictions."""
    try:
        found = read_predictions(predictions)
        others = read_predictions(perturbed) if perturbed is not None else ()
        rows = [*_marks(found), *_robustness(found, others)]
    except ArenaFileError as error:
        raise typer.BadParameter(str(error)) from None
    if not rows:
        raise typer.BadParameter(f"{predictions} has neither marks nor perturbed predictions")
    open_console().print(console_table(Grid(head=("", "value"), rows=tuple(rows))))


def _names(assignments: Sequence[str], ids: Sequence[str]) -> dict[str, str]:
    """Returns RouterArena's name of each model.

    Raises:
        typer.BadParameter: An assignment is wrong; all of these are named.
    """
    pairs = [each.partition("=") for each in assignments]
    wrong = [f"{i}{sign}{name}" for i, sign, name in pairs if i not in ids or not name]
    if wrong:
        raise typer.BadParameter(
            f"not ID=NAME of a model in the pool: {', '.join(wrong)}", param_hint="--model"
        )
    return {each: each for each in ids} | {i: name for i, _, name in pairs}


def _marks(found: Sequence[ArenaPrediction]) -> list[tuple[str, str]]:
    """Returns the figures of the marks; none if RouterArena has not marked every prediction yet."""
    marks = [each.accuracy for each in found if each.accuracy is not None]
    costs = [each.cost for each in found if each.cost is not None]
    if len(marks) < len(found) or len(costs) < len(found) or not sum(costs):
        return []
    accuracy, usd = estimate_mean(marks, seed=SEED), 1000 * fmean(costs)
    return [
        ("queries", str(len(found))),
        ("right, %", f"{percent(accuracy)} ({percent_range(accuracy)})"),
        ("dollars per 1,000 queries", f"{usd:.4f}"),
        ("arena score", f"{100 * arena_score(accuracy.mean, usd):.2f}"),
    ]


def _robustness(
    found: Sequence[ArenaPrediction], perturbed: Sequence[ArenaPrediction]
) -> list[tuple[str, str]]:
    """Returns the robustness, beside the number of models, without which it says nothing.

    Raises:
        ArenaFileError: A perturbed query has no prediction for the query itself.
    """
    if not perturbed:
        return []
    picks = {each.id: each.prediction for each in found}
    missing = [each.id for each in perturbed if each.id not in picks]
    if missing:
        raise ArenaFileError(f"no prediction for the queries themselves: {', '.join(missing[:10])}")
    share = robustness(picks, {each.id: each.prediction for each in perturbed})
    return [
        ("perturbed queries", str(len(perturbed))),
        ("the same model, %", f"{percent(share)} ({percent_range(share)})"),
        ("models chosen", str(len(set(picks.values())))),
    ]
