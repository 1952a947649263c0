"""Reads decision records from a router's files or from its database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from scorer.data.lines import UNREADABLE, open_binary
from services.router.decision_records.files import FULL_SUFFIX
from services.router.decision_records.record import DecisionRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

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
    records: list[DecisionRecord] = []
    problems: list[str] = []
    for path in paths:
        files = sorted(path.glob(f"*{FULL_SUFFIX}")) if path.is_dir() else [path]
        if not files:
            problems.append(f"{path}: has no *{FULL_SUFFIX}")
        for file in files:
            try:
                with open_binary(file) as opened:
                    data = opened.read()
            except UNREADABLE as error:
                problems.append(f"{file}: cannot be read: {error}")
                continue
            lines = enumerate(data.splitlines(), start=1)
            records += _parsed(((f"{file}: line {n}", line) for n, line in lines), problems)
    return _ordered(records, problems)


def read_postgres(dsn: str) -> list[DecisionRecord]:
    """Returns the records of a database, oldest first.

    Raises:
        DecisionsError: The database cannot be read, or a row is not a record.
    """
    # Imported here, since loading the driver takes long and only this needs it.
    import psycopg  # noqa: PLC0415

    from services.router.decision_records.postgres import TABLE  # noqa: PLC0415

    statement = f"SELECT id, record::text FROM {TABLE}"  # noqa: S608  # a constant
    problems: list[str] = []
    try:
        with psycopg.connect(dsn) as connection:
            rows = connection.execute(statement.encode()).fetchall()
    except psycopg.Error as error:
        raise DecisionsError([f"the database cannot be read: {type(error).__name__}"]) from error
    records = list(_parsed(((f"record {name}", text.encode()) for name, text in rows), problems))
    return _ordered(records, problems)


def _parsed(lines: Iterable[tuple[str, bytes]], problems: list[str]) -> Iterator[DecisionRecord]:
    for where, line in lines:
        if not line.strip():
            continue
        try:
            yield DecisionRecord.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            problems.append(f"{where}: {f'{field}: ' if field else ''}{first['msg']}")


def _ordered(records: list[DecisionRecord], problems: list[str]) -> list[DecisionRecord]:
    if problems:
        rest = len(problems) - _MAX_PROBLEMS
        raise DecisionsError(
            [*problems[:_MAX_PROBLEMS], *([f"and {rest} more"] if rest > 0 else [])]
        )
    if not records:
        raise DecisionsError(["there are no records"])
    return sorted(records, key=lambda record: (record.time, record.id))
