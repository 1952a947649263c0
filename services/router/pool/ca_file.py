"""TLS to backends whose certificates are signed by a private CA."""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import TYPE_CHECKING

from services.router.pool.small_file import read_small_file

if TYPE_CHECKING:
    from pathlib import Path

_MAX_BYTES = 1 << 20


class CaFileError(ValueError):
    """Raised for a file of CAs that cannot be used; its text gives the reason."""


def read_ca_file(path: Path) -> ssl.SSLContext:
    """Returns a TLS context that trusts only the CAs in a file; the file may change between calls.

    Raises:
        CaFileError: The file cannot be read or holds no certificates.
    """
    try:
        return _context(read_small_file(path, _MAX_BYTES).decode("ascii"))
    except OSError as error:  # `ssl` raises it too
        raise CaFileError(f"cannot be used: {error.strerror or type(error).__name__}") from error
    except ValueError as error:
        raise CaFileError("holds no PEM certificates") from error


@lru_cache(maxsize=32)
def _context(pem: str) -> ssl.SSLContext:
    if "BEGIN CERTIFICATE" not in pem:  # an empty text would mean the system's CAs
        raise ValueError("no certificate")
    return ssl.create_default_context(cadata=pem)
