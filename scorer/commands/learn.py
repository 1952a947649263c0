"""``learn``: corrects an artifact by the router's decisions and the feedback on them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer.commands import console, tables
from scorer.learning.traffic.traffic import NoTrafficError
from scorer.rollout import stages
from scorer.rollout.rollout import RolloutSettings
from scorer.rollout.rollout_files import RolloutFiles

if TYPE_CHECKING:
    from scorer.learning.learn import Sources
    from scorer.learning.report import Report
    from scorer.learning.traffic.traffic import Traffic
    from scorer.rollout.rollout import Rollout

Records = Annotated[
    list[Path] | None,
    typer.Argument(metavar="RECORDS...", help="Decisions and feedback: files or folders of them."),
]
DsnFile = Annotated[
    Path | None,
    typer.Option("--postgres-dsn-file", help="File with the connection string of their database."),
]
Output = Annotated[Path | None, typer.Option(help="A directory to write; must not exist.")]
RolloutLink = Annotated[
    Path | None,
    typer.Option(
        "--rollout",
        metavar="LINK",
        help="Write beside this link and start a rollout, unless one runs or little is new.",
    ),
]
Serving = Annotated[
    Path | None,
    typer.Option(help="The artifact that serves now, to compare with; by default ARTIFACT."),
]
Licence = Annotated[str, typer.Option(help="Licence of the traffic, for the manifest.")]

SETTINGS = RolloutSettings()
LEAST_NEW_FEEDBACK = SETTINGS.min_feedback
"""Fewest decisions with feedback since the last rollout ended: a test needs as many to be won."""


def learn(
    artifact: console.ArtifactPath,
    records: Records = None,
    *,
    output: Output = None,
    rollout: RolloutLink = None,
    postgres_dsn_file: DsnFile = None,
    serving: Serving = None,
    licence: Licence = "not stated",
    as_json: console.AsJson = False,
) -> None:
    """Correct an artifact by traffic and feedback; writes nothing if the result chooses worse."""
    with console.friendly(as_json=as_json):
        from scorer.learning.learn import Sources  # noqa: PLC0415 - needs onnx

        if output is not None and rollout is None:
            sources = Sources(artifact=artifact, serving=serving or artifact, licence=licence)
            traffic = read_traffic(records or [], postgres_dsn_file)
            _write(traffic, sources, output, as_json=as_json)
        elif rollout is not None and output is None and serving is None:
            sources = Sources(artifact=artifact, serving=rollout.resolve(), licence=licence)
            files = RolloutFiles(rollout)
            _roll_out(files, sources, records or [], postgres_dsn_file, as_json=as_json)
        else:
            console.fail(["give either --output, perhaps with --serving, or --rollout"])


def _write(traffic: Traffic, sources: Sources, output: Path, *, as_json: bool) -> None:
    from scorer.learning import learn as learning  # noqa: PLC0415 - needs onnx

    report = learning.learn(traffic, sources, output=output)
    _warn(report)
    console.show(tables.learned(report), dataclasses.asdict(report), as_json=as_json)


def _roll_out(
    files: RolloutFiles,
    sources: Sources,
    records: list[Path],
    dsn_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Learns a candidate and starts its rollout, or says why it is not the time for one."""
    from scorer.learning.learn import WorseOnTrafficError  # noqa: PLC0415 - needs onnx

    last = files.read()
    if last is not None and last.stage.is_running:
        console.note(f"nothing was learned: rollout {last.id} is running")
        return
    candidate = files.link.parent / f"learned-{dt.datetime.now(tz=dt.UTC):%Y%m%dT%H%M%SZ}"
    try:
        traffic = read_traffic(records, dsn_file)
        count = _new_feedback(traffic, last)
        if count < LEAST_NEW_FEEDBACK:
            new = f"{count} decisions with feedback are new"
            console.note(f"nothing was learned: {new}, {LEAST_NEW_FEEDBACK} are needed")
            return
        _write(traffic, sources, candidate, as_json=as_json)
    except (NoTrafficError, WorseOnTrafficError) as error:
        console.note(f"nothing was learned: {'; '.join(error.problems)}")
        return
    _start(files, candidate)


def _new_feedback(traffic: Traffic, last: Rollout | None) -> int:
    """Returns the number of decisions with feedback since the last rollout ended."""
    since = dt.datetime.fromisoformat(last.changed) if last else None
    return sum(since is None or decided.time > since for decided in traffic.decisions)


def _start(files: RolloutFiles, candidate: Path) -> None:
    """Starts a rollout of the candidate, which is removed if it is refused."""
    try:
        with files.locked():
            rollout = stages.start(
                files,
                candidate,
                SETTINGS,
                allow_fewer_models=False,
                even_if_worse=False,
                warn=console.warn,
            )
    except Exception as error:
        shutil.rmtree(candidate)
        if isinstance(error, stages.RolloutRefusedError):
            console.fail(error.problems)
        raise
    console.note(f"rollout {rollout.id} of {candidate} has started")


def read_traffic(records: list[Path], dsn_file: Path | None) -> Traffic:
    """Reads traffic from files or from a database, and warns of what is left out."""
    if bool(records) == bool(dsn_file):
        console.fail(["give either RECORDS or --postgres-dsn-file"])
    if dsn_file is None:
        from scorer.learning.traffic.files import read_files  # noqa: PLC0415 - only where it is used

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
