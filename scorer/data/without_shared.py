"""Training files without the questions that a test also asks: ``overlaps -> a folder of files``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from scorer.data.lines import numbered_lines
from scorer.data.problems import Problems
from scorer.data.records import RecordsError, write_lines
from scorer.data.staging import staged

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from scorer.data.overlap import Overlap


def shared_rows(
    overlaps: Sequence[Overlap], *, train: Collection[str], tests: Collection[str]
) -> dict[str, set[int]]:
    """Returns, by training file, the rows whose question is in any of the tests."""
    rows: dict[str, set[int]] = {name: set() for name in train}
    for overlap in overlaps:
        if overlap.file in rows and overlap.other in tests:
            rows[overlap.file] |= overlap.all_rows
    return rows


def write_without(dropped: Mapping[Path, Collection[int]], directory: Path) -> dict[Path, int]:
    """Writes each file without its dropped rows into a new directory; every kept line is unchanged.

    A file keeps its path below the folder that all of them are in.

    Returns:
        How many rows each written file has.

    Raises:
        FileExistsError: ``directory`` exists.
        RecordsError: Nothing of a file would be left, or it changed while this ran.
    """
    folder = Path(os.path.commonpath([path.resolve().parent for path in dropped]))
    kept: dict[Path, int] = {}
    with staged(directory) as staging:
        for path, rows in dropped.items():
            problems = Problems()
            lines = [
                text.rstrip("\r\n")
                for row, (_, text) in enumerate(numbered_lines(path, problems))
                if row not in rows
            ]
            if not lines:
                problems.add("every question is also in a test: nothing is left to train on")
            if problems:
                raise RecordsError(path, problems.listed, unlisted=problems.unlisted)
            below = path.resolve().relative_to(folder)
            write_lines(staging / below, lines)
            kept[directory / below] = len(lines)
    return kept
