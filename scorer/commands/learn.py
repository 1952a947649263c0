"""``learn``: corrects an artifact by the router's decisions and the feedback on them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer.commands import console, tables

if TYPE_CHECKING:
    from scorer.learning.report import Report
    from scorer.learning.traffic.traffic import Traffic

Records = Annotated[
    list[Path] | None,
    typer.Argument(metavar="RECORDS...", help="Decisions and feedback: files or folders of them."),
]
DsnFile = Annotated[
    Path | None,
    typer.Option("--postgres-dsn-file", help="File with the connection string of their database."),
]
Serving = Annotated[
    Path | None,
    typer.Option(help="The artifact that serves now, to compare with; by default ARTIFACT."),
]
Licence = Annotated[str, typer.Option(help="Licence of the traffic, for the manifest.")]


def learn(
    artifact: console.ArtifactPath,
    records: Records = None,
    *,
    output: console.NewDirectory,
    postgres_dsn_file: DsnFile = None,
    serving: Serving = None,
    licence: Licence = "not stated",
    as_json: console.AsJson = False,
) -> None:
    """Correct an artifact by traffic and feedback; writes nothing if the result chooses worse."""
    with console.friendly(as_json=as_json):
        from scorer.learning import learn as learning  # noqa: PLC0415 - needs onnx

        traffic = read_traffic(records or [], postgres_dsn_file)
        sources = learning.Sources(artifact=artifact, serving=serving or artifact, licence=licence)
        report = learning.learn(traffic, sources, output=output)
        _warn(report)
        console.show(tables.learned(report), dataclasses.asdict(report), as_json=as_json)


def read_traffic(records: list[Path], dsn_file: Path | None) -> Traffic:
    """Reads traffic from files or from a database, and warns of what is left out."""
    if bool(records) == bool(dsn_file):
        console.fail(["give either RECORDS or --postgres-dsn-file"])
    if dsn_file is None:
        from scorer.learning.traffic.files import read_files  # noqa: PLC0415 - needs onnx

        traffic = read_files(records)
    else:
        from scorer.learning.traffic.database import read_database  # noqa: PLC0415 - needs psycopg

        traffic = read_database(dsn_file)
    for reason, count in sorted(traffic.left_out.items()):
        console.warn(f"left out {count} {reason}")
    return traffic


def _warn(report: Report) -> None:
    for model in report.models:
        if model.changed:
            console.warn(f"{model.model_id} is {model.changed}: older labels were dropped")
    console.warn_of_models(report.unknown_model_ids, "too few labels to be added")
    console.warn_of_models(
        report.distrusted_tenants,
        "tenants whose feedback contradicts the others', so it counts less",
    )
    console.note(report.comparison.sentence())
