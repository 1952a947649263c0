"""Reads decision records and feedback from a router's files or from its database."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from scorer.data.lines import UNREADABLE, open_binary
from services.router.decision_records.feedback_record import FeedbackRecord
from services.router.decision_records.files import FEEDBACK_PREFIX, FULL_SUFFIX
from services.router.decision_records.record import DecisionRecord, Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

PartT = TypeVar("PartT", bound=Part)
_MAX_PROBLEMS = 20


class DecisionsError(Exception):
    """Raised for records that cannot be read; ``problems`` lists the first problems."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def read_files(paths: Iterable[Path]) -> list[DecisionRecord]:
    """Returns the records of files, and of the finished files of directories, oldest first.

    Raises:
        DecisionsError: A file cannot be read, or a line is not a record.
    """
    problems: list[str] = []
    files: list[Path] = []
    for path in paths:
        found = _finished(path) if path.is_dir() else [path]
        found = [file for file in found if not file.name.startswith(FEEDBACK_PREFIX)]
        if not found:
            problems.append(f"{path}: has no *{FULL_SUFFIX}")
        files += found
    return _ordered(list(_parsed(DecisionRecord, _lines(files, problems), problems)), problems)


def read_postgres(dsn: str) -> list[DecisionRecord]:
    """Returns the records of a database, oldest first.

    Raises:
        DecisionsError: The database cannot be read, or a row is not a record.
    """
    from services.router.decision_records.tables import DECISIONS  # noqa: PLC0415

    problems: list[str] = []
    records = list(_parsed(DecisionRecord, _rows(dsn, DECISIONS.name), problems))
    return _ordered(records, problems)


def read_feedback(paths: Iterable[Path]) -> Iterator[FeedbackRecord]:
    """Yields the feedback of files, and of the finished files of directories, which may have none.

    `newest_feedback` makes of it the feedback that counts.

    Raises:
        DecisionsError: A file cannot be read, or a line is not feedback.
    """
    problems: list[str] = []
    files: list[Path] = []
    for path in paths:
        files += _finished(path, FEEDBACK_PREFIX) if path.is_dir() else [path]
    yield from _parsed(FeedbackRecord, _lines(files, problems), problems)
    _raise_if_any(problems)


def read_feedback_postgres(dsn: str) -> Iterator[FeedbackRecord]:
    """Yields the feedback of a database, which may have none.

    Raises:
        DecisionsError: The database cannot be read, or a row is not feedback.
    """
    from services.router.decision_records.tables import FEEDBACK  # noqa: PLC0415

    problems: list[str] = []
    yield from _parsed(FeedbackRecord, _rows(dsn, FEEDBACK.name), problems)
    _raise_if_any(problems)


def _finished(directory: Path, prefix: str = "") -> list[Path]:
    return sorted(directory.glob(f"{prefix}*{FULL_SUFFIX}"))


def _lines(files: Iterable[Path], problems: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yields each line with the place where it is."""
    for file in files:
        try:
            with open_binary(file) as opened:
                data = opened.read()
        except UNREADABLE as error:
            problems.append(f"{file}: cannot be read: {error}")
            continue
        for number, line in enumerate(data.splitlines(), start=1):
            yield f"{file}: line {number}", line


def _rows(dsn: str, table: str) -> Iterator[tuple[str, bytes]]:
    """Yields each record of a table with its number; none if the router has not made the table."""
    # Imported here, since loading the driver takes long and only this needs it.
    import psycopg  # noqa: PLC0415

    statement = f"SELECT record::text FROM {table} ORDER BY time"  # noqa: S608  # a constant
    try:
        with psycopg.connect(dsn) as connection:
            rows = connection.execute(statement.encode()).fetchall()
    except psycopg.errors.UndefinedTable:
        return
    except psycopg.Error as error:
        raise DecisionsError([f"the database cannot be read: {type(error).__name__}"]) from error
    for number, (text,) in enumerate(rows, start=1):
        yield f"{table}: row {number}", text.encode()


def _parsed(
    kind: type[PartT], lines: Iterable[tuple[str, bytes]], problems: list[str]
) -> Iterator[PartT]:
    for where, line in lines:
        if not line.strip():
            continue
        try:
            yield kind.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            problems.append(f"{where}: {f'{field}: ' if field else ''}{first['msg']}")


def _ordered(records: list[DecisionRecord], problems: list[str]) -> list[DecisionRecord]:
    _raise_if_any(problems)
    if not records:
        raise DecisionsError(["there are no records"])
    return sorted(records, key=lambda record: (record.time, record.id))


def _raise_if_any(problems: Sequence[str]) -> None:
    rest = len(problems) - _MAX_PROBLEMS
    if problems:
        raise DecisionsError(
            [*problems[:_MAX_PROBLEMS], *([f"and {rest} more"] if rest > 0 else [])]
        )
