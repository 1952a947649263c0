"""Fetches the scorer's artifact into an empty directory and refuses anything but the expected bytes.

`python fetch_artifact.py URL SHA256 DIRECTORY`: .tar.gz -> digest -> unpacked. Standard library only.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path

_CHUNK_BYTES = 1024 * 1024
_TIMEOUT_S = 60.0


def fetch(url: str, sha256: str, directory: Path) -> None:
    """Unpacks the archive behind a URL.

    Raises:
        ValueError: The URL is not HTTP(S), or the archive is not the one expected.
        OSError: The archive cannot be read, or unpacked.
    """
    if not url.startswith(("http://", "https://")):
        message = f"{url} is no http or https URL"
        raise ValueError(message)
    digest = hashlib.sha256()
    with tempfile.TemporaryFile(dir=directory) as archive:
        # The scheme is checked above.
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:  # noqa: S310
            while chunk := response.read(_CHUNK_BYTES):
                digest.update(chunk)
                archive.write(chunk)
        if digest.hexdigest() != sha256.lower():
            message = f"{url} has the SHA-256 {digest.hexdigest()}, not {sha256}"
            raise ValueError(message)
        archive.seek(0)
        with tarfile.open(fileobj=archive, mode="r:gz") as files:
            unpack(files, directory)


def unpack(files: tarfile.TarFile, directory: Path) -> None:
    """Writes the archive's files below a directory.

    Raises:
        ValueError: A member is no plain file or directory, or leads out of the directory.
    """
    root = directory.resolve()
    for member in files:
        path = (root / member.name).resolve()
        if not (member.isfile() or member.isdir()) or not path.is_relative_to(root):
            message = f"{member.name} is no plain file below the archive's root"
            raise ValueError(message)
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
        elif (content := files.extractfile(member)) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as target:
                shutil.copyfileobj(content, target)


def main() -> None:
    """Fetches what the command line names; the exit status is 1 if that fails."""
    url, sha256, directory = sys.argv[1:]
    try:
        fetch(url, sha256, Path(directory))
    except (ValueError, OSError, tarfile.TarError) as error:
        raise SystemExit(f"Cannot fetch the artifact: {error}") from error


if __name__ == "__main__":
    main()
