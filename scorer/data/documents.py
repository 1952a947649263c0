"""Finds the files of a tool's output, and reads those that are one JSON value.

``files and folders -> files``, ``*.json[.gz] -> value``
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from scorer.data.lines import UNREADABLE, Problems
from scorer.data.text_file import EncodingError, encoding_of, open_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


def files_below(
    paths: Sequence[Path], patterns: Sequence[str], problems: Problems, hint: str = ""
) -> Iterator[Path]:
    """Yields the paths that are files, and the files of these patterns anywhere below the folders.

    Args:
        paths: Files, which need no pattern, and folders.
        patterns: Patterns of names, such as ``*.json``.
        problems: Gets a problem for each folder without such a file.
        hint: The likely reason, as the end of that problem.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted({file for pattern in patterns for file in path.rglob(pattern)})
        if not found:
            problems.add(f"{path}: has no {' or '.join(patterns)} below it{hint}")
        yield from found


def read_document(path: Path, problems: Problems) -> object:
    """Returns the JSON value that a file is, or None after adding a problem."""
    try:
        with open_text(path, encoding_of(path)) as file:
            return json.load(file)
    except EncodingError as error:
        problems.add(f"{path}: {error}")
    except UNREADABLE as error:
        problems.add(f"{path}: cannot be read: {error}")
    except (ValueError, RecursionError) as error:
        problems.add(f"{path}: is not JSON: {error}")
    return None


def as_object(value: object) -> Mapping[str, object]:
    """Returns a value if it is an object, else an empty one."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> Sequence[object]:
    """Returns a value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: object) -> str:
    """Returns a value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def as_amount(value: object) -> float | None:
    """Returns a value if it is a number of at least 0, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        return None
    return float(value)
