"""TLS to backends whose certificates are signed by CAs of one's own."""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class CaFileError(ValueError):
    """A file of CAs that cannot be used; its text says why."""


def read_ca_file(path: Path) -> ssl.SSLContext:
    """Returns what trusts the CAs in a file and no others; it is read anew, so that it may be replaced.

    Raises:
        CaFileError: The file is missing or holds no certificates.
    """
    try:
        return _context(path.read_text(encoding="ascii"))
    except OSError as error:  # also what `ssl` raises
        raise CaFileError(f"cannot be used: {error.strerror or type(error).__name__}") from error
    except ValueError as error:
        raise CaFileError("holds no PEM certificates") from error


@lru_cache(maxsize=32)
def _context(pem: str) -> ssl.SSLContext:
    if "BEGIN CERTIFICATE" not in pem:  # an empty text would mean the system's CAs
        raise ValueError("no certificate")
    return ssl.create_default_context(cadata=pem)
