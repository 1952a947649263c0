"""The hashes of an artifact's files: of those by name, and of those that its graph opens."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from scorer.runtime.graph_files import GraphError, external_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MODEL_FILE = "model.onnx"


def hashes_of(path: Path, names: Sequence[str]) -> dict[str, str]:
    """Returns the hexadecimal sha256 of the named files, and of those that the graph opens.

    Raises:
        GraphError: The graph cannot be read, or it opens files elsewhere.
    """
    beside = external_files((path / MODEL_FILE).read_bytes())
    return {name: _sha256_of(path / name) for name in (*names, *sorted(beside - set(names)))}


def file_problems(path: Path, names: Sequence[str], hashes: Mapping[str, str]) -> list[str]:
    """Returns the problems of an artifact's files.

    Args:
        path: The directory.
        names: The files that every artifact of its tier has, the graph among them.
        hashes: The sha256 of each file, by the manifest.
    """
    problems = []
    beside: frozenset[str] = frozenset()
    try:
        beside = external_files((path / MODEL_FILE).read_bytes())
    except FileNotFoundError:
        pass  # reported below
    except GraphError as error:
        problems.append(f"{MODEL_FILE} {error}")
    expected = (*names, *sorted(beside - set(names)))
    for name in expected:
        if not (path / name).is_file():
            problems.append(f"{name} is missing")
        elif name not in hashes:
            problems.append(f"files: has no hash of {name}")
        elif _sha256_of(path / name) != hashes[name]:
            problems.append(f"{name} does not have the sha256 of the manifest")
    unknown = sorted(hashes.keys() - set(expected))
    return problems + [f"files: {name} is not a file of an artifact" for name in unknown]


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
