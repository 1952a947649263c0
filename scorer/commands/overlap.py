"""``overlap``: counts the questions that files share, and can leave them out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer.commands import console, tables
from scorer.data.overlap import find_overlaps
from scorer.data.records import read_records, unknown_models
from scorer.data.without_shared import shared_rows, write_without

if TYPE_CHECKING:
    from scorer.data.overlap import Overlap

TrainPaths = Annotated[list[Path], typer.Argument(metavar="TRAIN...", help="Training records.")]
TestPaths = Annotated[list[Path], typer.Option("--test", help="Test records; repeatable.")]
DropPath = Annotated[
    Path | None,
    typer.Option(
        "--drop-to",
        metavar="DIRECTORY",
        help="Write the training files without the questions of the tests; must not exist.",
    ),
]


def overlap(
    train: TrainPaths, *, test: TestPaths, drop_to: DropPath = None, as_json: console.AsJson = False
) -> None:
    """Count the questions that files share; optionally drop those of the tests from training."""
    with console.friendly():
        if both := {path.resolve() for path in train} & {path.resolve() for path in test}:
            console.fail([f"{path}: is a training and a test file" for path in sorted(both)])
        paths = {str(path): path for path in [*train, *test]}
        files = {name: read_records(path) for name, path in paths.items()}
        overlaps = find_overlaps(files)
        counts = {name: len(records) for name, records in files.items()}
        document: dict[str, object] = {"rows": counts, "overlaps": [_plain(o) for o in overlaps]}
        tests = {str(path) for path in test}
        known = [record for path in train for record in files[str(path)]]
        for name in sorted(tests):
            unknown = unknown_models(files[name], train=known)
            console.warn_of_models(unknown, f"{name} has models that no training file has")
        if drop_to:
            dropped = shared_rows(overlaps, train={str(path) for path in train}, tests=tests)
            kept = write_without({paths[name]: rows for name, rows in dropped.items()}, drop_to)
            document["kept_rows"] = {str(path): count for path, count in kept.items()}
        console.show(tables.overlaps(overlaps, counts), document, as_json=as_json)


def _plain(overlap: Overlap) -> dict[str, object]:
    return {
        "file": overlap.file,
        "other": overlap.other,
        "rows": {kind.value: len(rows) for kind, rows in overlap.rows.items()},
        "examples": {kind.value: pairs for kind, pairs in overlap.examples.items()},
    }
