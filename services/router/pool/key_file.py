"""Files with the API key of a backend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import SecretStr

from services.router.pool.small_file import read_small_file

if TYPE_CHECKING:
    from pathlib import Path

_MAX_BYTES = 1 << 14
_KEY = re.compile(rb"[!-~]+")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class KeyFileError(ValueError):
    """Raised for a file that holds no key; its text gives the reason, and no part of the content."""


def read_key_file(path: Path) -> SecretStr:
    """Returns the key in a file, without white space around it.

    Raises:
        KeyFileError: The file cannot be read, or does not hold exactly one key.
    """
    try:
        content = read_small_file(path, _MAX_BYTES)
    except OSError as error:
        raise KeyFileError(error.strerror or "cannot be read") from error
    key = content.removeprefix(_BYTE_ORDER_MARK).strip()
    if not key:
        raise KeyFileError("is empty")
    if len(key.splitlines()) > 1:
        raise KeyFileError("has more than one line: it must hold the key alone")
    if _KEY.fullmatch(key) is None:
        raise KeyFileError("holds no key: a key has no spaces and only visible ASCII characters")
    return SecretStr(key.decode("ascii"))
