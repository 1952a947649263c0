"""``report``: draws pages of pictures of a comparison or of an artifact."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scorer.commands import console
from scorer.data.records import read_records
from scorer.data.staging import staged
from scorer.evaluation.results import read_results
from scorer.measures.benefit import benefit_in
from scorer.runtime.artifact import load_artifact
from scorer.runtime.runtime import Runtime
from scorer.training.recipe import read_recipe

report = typer.Typer(
    help="Draw pages of pictures of a comparison or of an artifact.", no_args_is_help=True
)

ResultsPath = Annotated[
    Path, typer.Argument(metavar="RESULTS", help="The directory that compare wrote.")
]
OutputPath = Annotated[Path, typer.Option(help="A directory to write; must not exist.")]
RecordsPath = Annotated[Path, typer.Argument(metavar="RECORDS", help="Records to measure on.")]
BaselinesPath = Annotated[
    Path, typer.Option(help="Training records, which decide the best single model.")
]
PreviousPath = Annotated[
    Path | None, typer.Option(help="An older artifact, to draw the changes since.")
]
RecipePath = Annotated[
    Path | None,
    typer.Option(
        metavar="RECIPE", help="Also learn from 10 to 100 % of its records; takes minutes."
    ),
]
DataPath = Annotated[
    Path, typer.Option(envvar="ROUTEMOA_DATA", help="Directory that holds the recipe's files.")
]
EmbeddingsPath = Annotated[Path, typer.Option(help="Directory that keeps the texts' embeddings.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Number of queries in a batch.")]


@report.command()
def compare(results: ResultsPath, *, output: OutputPath) -> None:
    """Draw the results of a comparison."""
    with console.friendly():
        # These need matplotlib; the other commands do without.
        from scorer.reports.comparison import comparison_sections  # noqa: PLC0415
        from scorer.reports.page import write_page  # noqa: PLC0415

        sections = comparison_sections(read_results(results))
        with staged(output) as directory:
            write_page(directory, "Methods side by side", sections)


@report.command()
def artifact(
    artifact: console.ArtifactPath,
    records: RecordsPath,
    *,
    baselines: BaselinesPath,
    output: OutputPath,
    previous: PreviousPath = None,
    learning_curve: RecipePath = None,
    data: DataPath = Path("data"),
    embeddings: EmbeddingsPath = Path("build/embeddings"),
    batch_size: BatchSize = 16,
) -> None:
    """Draw the predictions of an artifact on records, and its changes since an older one."""
    with console.friendly():
        from scorer.reports.artifact_page import artifact_sections  # noqa: PLC0415 - as above
        from scorer.reports.changes import changes_between  # noqa: PLC0415
        from scorer.reports.evidence import gather  # noqa: PLC0415
        from scorer.reports.page import write_page  # noqa: PLC0415

        test, train = read_records(records), read_records(baselines)
        loaded = load_artifact(artifact)
        now = gather(Runtime.open(loaded), test, train=train, batch_size=batch_size)
        changed = learned = None
        if previous:
            runtime = Runtime.open(load_artifact(previous))
            before = gather(runtime, test, train=train, batch_size=batch_size)
            changed = changes_between(before, now)
        if learning_curve:
            from scorer.reports.learning_curve import measure_curve  # noqa: PLC0415 - needs torch

            learned = measure_curve(
                read_recipe(learning_curve), test, data=data, embeddings=embeddings
            )
        with staged(output) as directory:
            benefit = benefit_in(loaded.manifest.metrics)
            sections = artifact_sections(now, benefit, changed, learned)
            write_page(directory, now.version, sections)
