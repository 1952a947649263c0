"""Where records are read from: files that a router wrote, or its database."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from pydantic import ValidationError

from services.router.decision_records.files import FULL_SUFFIX
from services.router.decision_records.record import DecisionRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_MAX_PROBLEMS = 20


class RecordsError(Exception):
    """Raised for records that cannot be read; ``problems`` has the first of what is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def read_files(paths: Iterable[Path]) -> list[DecisionRecord]:
    """Returns the records of files, and of the finished files of directories, oldest first.

    Raises:
        RecordsError: A file cannot be read, or a line of it is no record.
    """
    records: list[DecisionRecord] = []
    problems: list[str] = []
    for path in paths:
        files = sorted(path.glob(f"*{FULL_SUFFIX}")) if path.is_dir() else [path]
        if not files:
            problems.append(f"{path}: has no *{FULL_SUFFIX}")
        for file in files:
            try:
                data = (
                    gzip.decompress(file.read_bytes())
                    if file.suffix == ".gz"
                    else file.read_bytes()
                )
            except (OSError, EOFError, zlib.error) as error:
                problems.append(f"{file}: cannot be read: {error}")
                continue
            places = (
                (f"{file}: line {n}", row) for n, row in enumerate(data.splitlines(), start=1)
            )
            records += _parsed(places, problems)
    return _ordered(records, problems)


def read_postgres(dsn: str) -> list[DecisionRecord]:
    """Returns the records of a database, oldest first.

    Raises:
        RecordsError: The database cannot be read, or what it holds are no records.
    """
    # Here, since loading the driver takes long and only this needs it.
    import psycopg  # noqa: PLC0415

    from services.router.decision_records.postgres import TABLE  # noqa: PLC0415

    statement = f"SELECT id, record::text FROM {TABLE}"  # noqa: S608  # a constant
    problems: list[str] = []
    try:
        with psycopg.connect(dsn) as connection:
            rows = connection.execute(statement.encode()).fetchall()
    except psycopg.Error as error:
        raise RecordsError([f"the database cannot be read: {type(error).__name__}"]) from error
    records = list(_parsed(((f"record {name}", text.encode()) for name, text in rows), problems))
    return _ordered(records, problems)


def _parsed(places: Iterable[tuple[str, bytes]], problems: list[str]) -> Iterator[DecisionRecord]:
    for where, line in places:
        if not line.strip():
            continue
        try:
            yield DecisionRecord.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            problems.append(f"{where}: {f'{place}: ' if place else ''}{first['msg']}")


def _ordered(records: list[DecisionRecord], problems: list[str]) -> list[DecisionRecord]:
    if problems:
        rest = len(problems) - _MAX_PROBLEMS
        raise RecordsError([*problems[:_MAX_PROBLEMS], *([f"and {rest} more"] if rest > 0 else [])])
    if not records:
        raise RecordsError(["there are no records"])
    return sorted(records, key=lambda record: (record.time, record.id))
