"""The files of a backend: its API key, and the private CAs of its TLS certificates.

They may change or vanish at any time, so they are read for each call. Errors never show their content.
"""

from __future__ import annotations

import errno
import re
import ssl
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from pathlib import Path

_MAX_KEY_BYTES = 1 << 14
_MAX_CA_BYTES = 1 << 20
_KEY = re.compile(rb"[!-~]+")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class KeyFileError(ValueError):
    """Raised for a file that holds no key; its text gives the reason."""


class CaFileError(ValueError):
    """Raised for a file of CAs that cannot be used; its text gives the reason."""


def read_key_file(path: Path) -> SecretStr:
    """Returns the key in a file, without white space around it.

    Raises:
        KeyFileError: The file cannot be read, or does not hold exactly one key.
    """
    try:
        content = _read(path, _MAX_KEY_BYTES)
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


def read_ca_file(path: Path) -> ssl.SSLContext:
    """Returns a TLS context that trusts only the CAs in a file.

    Raises:
        CaFileError: The file cannot be read or holds no certificates.
    """
    try:
        return _context(_read(path, _MAX_CA_BYTES).decode("ascii"))
    except OSError as error:  # `ssl` raises it too
        raise CaFileError(f"cannot be used: {error.strerror or type(error).__name__}") from error
    except ValueError as error:
        raise CaFileError("holds no PEM certificates") from error


def _read(path: Path, max_bytes: int) -> bytes:
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


@lru_cache(maxsize=32)
def _context(pem: str) -> ssl.SSLContext:
    if "BEGIN CERTIFICATE" not in pem:  # an empty text would mean the system's CAs
        raise ValueError("no certificate")
    return ssl.create_default_context(cadata=pem)
