"""A directory or a file that appears complete or not at all."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def staged(output: Path) -> Iterator[Path]:
    """Yields an empty directory that becomes ``output`` at the end, or vanishes on an error.

    Raises:
        FileExistsError: ``output`` exists; nothing is ever overwritten.
    """
    with staged_file(output) as directory:
        directory.mkdir()
        yield directory


@contextlib.contextmanager
def staged_file(output: Path) -> Iterator[Path]:
    """Yields a path to write; what is written becomes ``output`` at the end, or vanishes.

    Raises:
        FileExistsError: ``output`` exists; nothing is ever overwritten.
    """
    if output.exists():
        raise FileExistsError(f"{output} exists already")
    output.parent.mkdir(parents=True, exist_ok=True)
    # Beside the output, since only within one file system is a rename one step.
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as temporary:
        path = Path(temporary) / output.name
        yield path
        path.rename(output)
