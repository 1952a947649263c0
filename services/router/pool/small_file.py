"""Reads small files that may change or vanish at any time."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_small_file(path: Path, max_bytes: int) -> bytes:
    """Returns the content of a regular file.

    Raises:
        OSError: It is missing, not a regular file, unreadable or too large.
    """
    if not path.is_file():  # reading from a pipe or a device could wait for ever
        raise FileNotFoundError(errno.ENOENT, "no such file")
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"is larger than {max_bytes} bytes")
    return content
