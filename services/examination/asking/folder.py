"""The folder of an examination: its settings, the user's own questions, and the answers.

Answers are appended, one JSON object per line, and are on the disk before the next question is asked.
So an examination that was killed goes on where it stopped. A last line that was half written is cut
off. Only one process at a time may write.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from services.examination.asking.answer import Answer, Entry, Failure, GivenUp
from services.examination.asking.stock import Stock
from services.examination.questions.own_questions import read_own_questions
from services.examination.questions.vocabulary import Language  # noqa: TC001  # pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

SETTINGS = "examination.json"
ANSWERS = "answers.jsonl"
OWN = "own.jsonl"
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


class FolderError(Exception):
    """Raised for a folder that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings that decide the questions; they stay the same in one folder."""

    seed: int
    kinds: tuple[str, ...]
    languages: tuple[Language, ...]
    own_questions: str
    """A hash of the user's own questions; empty if there are none."""
    format_version: int = 1


_SETTINGS = TypeAdapter(Settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """The content of a folder."""

    folder: Path
    settings: Settings
    entries: tuple[Entry, ...]

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The marked answers, in the order in which they came."""
        return tuple(entry for entry in self.entries if isinstance(entry, Answer))

    @property
    def spent_usd(self) -> float:
        """The dollars of all calls, failed ones included."""
        return sum(entry.cost_usd for entry in self.entries if not isinstance(entry, GivenUp))

    @property
    def given_up(self) -> dict[str, str]:
        """The reasons by model of those that were given up, and have not answered since."""
        found: dict[str, str] = {}
        for entry in self.entries:
            if isinstance(entry, GivenUp):
                found[entry.model] = entry.given_up
            elif isinstance(entry, Answer):
                found.pop(entry.model, None)
        return found

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The calls that failed."""
        return tuple(entry for entry in self.entries if isinstance(entry, Failure))

    def stock(self) -> Stock:
        """Returns the questions.

        Raises:
            OwnQuestionsError: The user's own questions cannot be read any more.
            TooManyKindsError: They are of too many kinds.
        """
        own = self.folder / OWN
        return Stock(
            self.settings.kinds,
            self.settings.languages,
            self.settings.seed,
            read_own_questions(own) if self.settings.own_questions else (),
        )


def prepare(
    folder: Path,
    *,
    seed: int,
    kinds: Sequence[str],
    languages: Sequence[Language],
    own: Path | None,
) -> None:
    """Makes a folder for these settings, or checks that it was made for them.

    Raises:
        FolderError: It was made for others.
        OwnQuestionsError: The user's own questions cannot be used.
    """
    if own is not None:
        read_own_questions(own)
    data = b"" if own is None else own.read_bytes()
    settings = Settings(
        seed=seed,
        kinds=tuple(kinds),
        languages=tuple(languages),
        own_questions=hashlib.sha256(data).hexdigest() if own else "",
    )
    if (folder / SETTINGS).exists():
        _require_same(folder, _read_settings(folder), settings)
        return
    folder.mkdir(parents=True, exist_ok=True)
    if own is not None:
        _replace(folder / OWN, data)
    _replace(folder / SETTINGS, json.dumps(dataclasses.asdict(settings), indent=2).encode())


def read_examination(folder: Path) -> Examination:
    """Reads a folder.

    Raises:
        FolderError: It holds no examination, or a damaged one.
    """
    path = folder / ANSWERS
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    entries, problems = [], []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(_ENTRY.validate_json(line))
        except ValidationError:
            problems.append(f"{path}, line {number}: is no answer")
    settings = _read_settings(folder)
    if problems:
        raise FolderError("\n".join(problems[:20]))
    return Examination(folder=folder, settings=settings, entries=tuple(entries))


class AnswersFile:
    """Appends entries, each on the disk before the call returns."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def append(self, entry: Entry) -> None:
        """Writes an entry."""
        self._file.write(_ENTRY.dump_json(entry) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def open_answers(folder: Path) -> Iterator[AnswersFile]:
    """Opens the file of answers; a last line that was half written is cut off.

    Raises:
        FolderError: Another process writes it.
    """
    with (folder / ANSWERS).open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FolderError(f"{folder}: another examination is running there") from error
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        yield AnswersFile(file)


def _read_settings(folder: Path) -> Settings:
    try:
        return _SETTINGS.validate_json((folder / SETTINGS).read_bytes())
    except (OSError, ValidationError) as error:
        raise FolderError(f"{folder} holds no examination") from error


def _require_same(folder: Path, found: Settings, wanted: Settings) -> None:
    different = [
        field.name.replace("_", " ")
        for field in dataclasses.fields(Settings)
        if getattr(found, field.name) != getattr(wanted, field.name)
    ]
    if different:
        raise FolderError(
            f"{folder} holds an examination with another {' and '.join(different)}; "
            "go on with the same, or name another folder"
        )


def _replace(path: Path, data: bytes) -> None:
    """Writes a file that appears complete or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
