"""``changes``: the models whose answers became worse or better behind their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from scorer.commands import console, tables
from scorer.commands.learn import DsnFile, Records, read_traffic
from scorer.runtime.artifact import load_artifact

if TYPE_CHECKING:
    from scorer.learning.changes import ModelChange

WORSE_STATUS = 3


def changes(
    artifact: console.ArtifactPath,
    records: Records = None,
    *,
    postgres_dsn_file: DsnFile = None,
    as_json: console.AsJson = False,
) -> None:
    """Name the models that changed, by traffic and feedback; exits with 3 if one became worse."""
    with console.friendly(as_json=as_json):
        from scorer.learning.changes import changes_in  # noqa: PLC0415 - slow to import

        traffic = read_traffic(records or [], postgres_dsn_file)
        found = changes_in(traffic, load_artifact(artifact))
        console.show(tables.changes(found), list(map(_plain, found)), as_json=as_json)
    if any(change.gain < 0 for change in found):
        raise typer.Exit(WORSE_STATUS)


def _plain(change: ModelChange) -> dict[str, object]:
    return {
        "model_id": change.model_id,
        "gain": change.gain,
        "since": change.since.isoformat(),
        "labels_after": change.labels_after,
    }
