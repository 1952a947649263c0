"""``learn``: corrects an artifact by the router's decisions and the feedback on them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer.commands import console, tables

if TYPE_CHECKING:
    from scorer.learning.report import Report

Sources = Annotated[
    list[Path],
    typer.Argument(metavar="RECORDS...", help="Decisions and feedback: files or folders of them."),
]
Serving = Annotated[
    Path | None,
    typer.Option(help="The artifact that serves now, to compare with; by default ARTIFACT."),
]
Licence = Annotated[str, typer.Option(help="Licence of the traffic, for the manifest.")]


def learn(
    artifact: console.ArtifactPath,
    records: Sources,
    *,
    output: console.NewDirectory,
    serving: Serving = None,
    licence: Licence = "not stated",
    as_json: console.AsJson = False,
) -> None:
    """Correct an artifact by traffic and feedback; writes nothing if the result chooses worse."""
    with console.friendly(as_json=as_json):
        from scorer.learning import learn as learning  # noqa: PLC0415 - needs onnx
        from scorer.learning.traffic import read_traffic  # noqa: PLC0415 - as above

        traffic = read_traffic(records)
        for reason, count in sorted(traffic.left_out.items()):
            console.warn(f"left out {count} {reason}")
        sources = learning.Sources(artifact=artifact, serving=serving or artifact, licence=licence)
        report = learning.learn(traffic, sources, output=output)
        _warn(report)
        console.show(tables.learned(report), dataclasses.asdict(report), as_json=as_json)


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
