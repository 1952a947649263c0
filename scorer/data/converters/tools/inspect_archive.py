"""Reads archives of Inspect's logs, whose members are packed with deflate or Zstandard."""

from __future__ import annotations

import contextlib
import importlib
import json
import struct
import zipfile
from typing import TYPE_CHECKING

from scorer.data.documents import as_object
from scorer.data.lines import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from scorer.data.lines import Problems

ZSTANDARD = 93
"""The number of Zstandard in archives; Python reads it from 3.14 on."""
_HEADERS = ("header.json", "_journal/start.json")
"""The member with the task and model, of a finished run and of another."""
_LOCAL_HEADER = struct.Struct("<26x2H")
_NEEDED = (
    "is packed with Zstandard: install the package zstandard, or write JSON with "
    "inspect log convert --to json"
)


class Archive:
    """An open archive; what cannot be read is an empty object and a problem."""

    def __init__(self, path: Path, archive: zipfile.ZipFile | None, problems: Problems) -> None:
        self._path = path
        self._archive = archive
        self._problems = problems
        self._names = archive.namelist() if archive else []

    def header(self) -> Mapping[str, object]:
        """Returns what the log says of its run."""
        return next((self.value(name) for name in _HEADERS if name in self._names), {})

    def samples(self) -> list[str]:
        """Returns the names of the samples."""
        return [n for n in self._names if n.startswith("samples/") and n.endswith(".json")]

    def value(self, name: str) -> Mapping[str, object]:
        """Returns the object in a member."""
        if self._archive is None:
            return {}
        try:
            return as_object(json.loads(_member(self._archive, name)))
        except ModuleNotFoundError:
            problem = _NEEDED
        except (ValueError, RecursionError) as error:
            problem = f"{name}: is not JSON: {error}"
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, *UNREADABLE) as error:
            problem = f"{name}: cannot be read: {error}"
        self._problems.add(f"{self._path}: {problem}")
        return {}


@contextlib.contextmanager
def opened_archive(path: Path, problems: Problems) -> Iterator[Archive]:
    """Yields an archive, an empty one after adding a problem."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, *UNREADABLE) as error:
        problems.add(f"{path}: cannot be read: {error}")
        yield Archive(path, None, problems)
        return
    with archive:
        yield Archive(path, archive, problems)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Returns the bytes of a member.

    Raises:
        ModuleNotFoundError: Neither Python nor a package unpacks Zstandard.
    """
    member = archive.getinfo(name)
    try:
        return archive.read(member)
    except NotImplementedError:
        if member.compress_type != ZSTANDARD:
            raise
    zstandard = importlib.import_module("zstandard")
    with open(str(archive.filename), "rb") as file:  # noqa: PTH123  # a name of zipfile's
        file.seek(member.header_offset)
        names = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        file.seek(sum(names), 1)
        packed = file.read(member.compress_size)
    unpacked: bytes = (
        zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).read()
    )
    return unpacked
