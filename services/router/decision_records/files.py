"""The sink that writes files: one open file, and finished files, which are compressed.

`<kind>-<UTC time>-<random>.jsonl.open` holds the newest lines and is locked by its router. When it
is too large or too old for the next line, it becomes `....jsonl.gz` by a rename, so a reader of
`*.jsonl.gz` never sees half a file. If a router is killed, the next one that starts in the directory
finishes its file. Lines are safe when they are on the disk: each write ends with fsync.
"""

from __future__ import annotations

import asyncio
import fcntl
import gzip
import os
import shutil
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING
from uuid import uuid4

from services.router.decision_records.sinks import SinkDownError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.router.decision_records.sinks import AnyLine

DECISIONS_PREFIX = "decisions-"
FEEDBACK_PREFIX = "feedback-"
OPEN_SUFFIX = ".jsonl.open"
FULL_SUFFIX = ".jsonl.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The limits for a file, and for all files of its kind in the directory."""

    max_directory_bytes: int
    """The oldest finished files are removed first. Open files of other routers are never touched."""
    max_file_bytes: int = 16 * 1024 * 1024
    """Size of a full file: eight of them fit into the directory's default limit."""
    max_file_age_s: float = 3600.0
    """Age at which a file is full: who reads the finished files is at most an hour behind."""


class FilesSink:
    """Writes files in a directory, which several routers may share.

    Args:
        directory: The directory.
        rotation: The limits for the files of this kind.
        prefix: The first part of the files' names.
    """

    def __init__(
        self, directory: Path, rotation: Rotation, *, prefix: str = DECISIONS_PREFIX
    ) -> None:
        self._directory = directory
        self._prefix = prefix
        self._rotation = rotation
        self._file: IO[bytes] | None = None
        self._path = directory
        self._opened_s = 0.0
        # A write that is cancelled continues in its thread; closing waits for it.
        self._lock = threading.Lock()

    async def write(self, lines: Sequence[AnyLine]) -> None:
        """Appends all lines, or none.

        Raises:
            SinkDownError: The disk is full, or the directory cannot be made or written.
        """
        data = b"".join(line.json + b"\n" for line in lines)
        await asyncio.to_thread(self._locked, data)

    async def close(self) -> None:
        """Finishes the open file."""
        await asyncio.to_thread(self._finish)

    def _locked(self, data: bytes) -> None:
        with self._lock:
            try:
                self._append(data)
            except OSError as error:
                raise SinkDownError(str(error)) from error

    def _append(self, data: bytes) -> None:
        if self._file is not None and self._is_full(self._file, len(data)):
            self._rotate(self._file)
        file = self._file or self._open()
        end = file.tell()
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            # Removes the partial batch: the whole batch is written again later.
            file.truncate(end)
            file.seek(end)
            raise

    def _is_full(self, file: IO[bytes], more: int) -> bool:
        old = time.monotonic() - self._opened_s >= self._rotation.max_file_age_s
        return old or (file.tell() > 0 and file.tell() + more > self._rotation.max_file_bytes)

    def _open(self) -> IO[bytes]:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._finish_abandoned()
        file = None
        while file is None:
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            self._path = self._directory / f"{self._prefix}{now}-{uuid4().hex[:8]}{OPEN_SUFFIX}"
            file = _open_locked(self._path)
        self._file, self._opened_s = file, time.monotonic()
        return file

    def _rotate(self, file: IO[bytes]) -> None:
        compress(self._path)
        self._file = None
        file.close()
        self._prune()

    def _finish(self) -> None:
        with self._lock:
            if self._file is not None:
                self._rotate(self._file)

    def _finish_abandoned(self) -> None:
        for path in sorted(self._directory.glob(f"*{OPEN_SUFFIX}")):
            try:
                with path.open("r+b") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    drop_torn_line(file)
                    compress(path)
            except (BlockingIOError, FileNotFoundError):
                continue  # another router has it open, or has just finished it

    def _prune(self) -> None:
        full = sorted(self._directory.glob(f"{self._prefix}*{FULL_SUFFIX}"))
        sizes = {path: path.stat().st_size for path in full}
        excess = sum(sizes.values()) - self._rotation.max_directory_bytes
        for path in full[:-1]:  # never the newest file
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            excess -= sizes[path]


def _open_locked(path: Path) -> IO[bytes] | None:
    """Returns a new, locked file; None if another router took it for an abandoned one."""
    # Unbuffered, so that a failed write leaves no data for a later flush.
    file = path.open("xb", buffering=0)
    fcntl.flock(file, fcntl.LOCK_EX)
    if os.fstat(file.fileno()).st_nlink:
        return file
    file.close()
    return None


def compress(path: Path) -> None:
    """Replaces an open file by a compressed one; at any time one of the two is complete."""
    full = path.with_name(path.name.removesuffix(OPEN_SUFFIX) + FULL_SUFFIX)
    partial = full.with_name(f"{full.name}.partial")
    with path.open("rb") as source, partial.open("wb") as raw:
        with gzip.open(raw, "wb") as target:
            shutil.copyfileobj(source, target)
        raw.flush()
        os.fsync(raw.fileno())
    partial.rename(full)
    path.unlink()


def drop_torn_line(file: IO[bytes]) -> None:
    """Removes the incomplete last line that a killed router left."""
    data = file.read()
    file.truncate(data.rfind(b"\n") + 1)
