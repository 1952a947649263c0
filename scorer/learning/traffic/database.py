"""Reads decisions and feedback from the PostgreSQL database that routers write to. Needs psycopg.

Only decisions with feedback leave the database, the newest ones, in batches and from one snapshot. So
memory is bounded however large the tables are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from scorer.data.lines import Problems
from scorer.learning.traffic.traffic import Lines, NoTrafficError, TrafficError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scorer.learning.traffic.traffic import Traffic

MOST_DECISIONS = 100_000
"""Most decisions with feedback that are read, the newest: older ones would hardly change the result."""

BATCH = 1000
CONNECT_S = 30

_NEWEST = sql.SQL("""
    SELECT id, time, record FROM routemoa_decisions d
    WHERE final_model_id IS NOT NULL
    AND EXISTS (SELECT FROM routemoa_feedback f WHERE f.decision_id = d.id)
    ORDER BY time DESC LIMIT {most}
""")
_STATEMENTS = {
    "routemoa_decisions": sql.SQL("SELECT record::text FROM ({newest}) n"),
    "routemoa_feedback": sql.SQL(
        "SELECT f.record::text FROM routemoa_feedback f JOIN ({newest}) n ON f.decision_id = n.id"
    ),
}


def read_database(dsn_file: Path, *, most: int = MOST_DECISIONS) -> Traffic:
    """Reads the newest decisions that have feedback, and that feedback.

    Args:
        dsn_file: File with the connection string.
        most: The largest number of decisions.

    Raises:
        OSError: The file cannot be read.
        NoTrafficError: There is no decision with feedback.
        TrafficError: The database cannot be read, or a row is no record.
    """
    problems, lines = Problems(), Lines()
    dsn = dsn_file.read_text(encoding="utf-8").strip()
    try:
        for place, text in _rows(dsn, most):
            if problem := lines.add(text):
                problems.add(f"{place}: {problem}")
    except psycopg.errors.UndefinedTable:
        missing = "has no tables of decisions and feedback; routers make them (see records_sink)"
        raise NoTrafficError(dsn_file, [missing]) from None
    except psycopg.Error as error:
        # The driver's own message can hold the connection string.
        problems.add(f"the database cannot be read: {type(error).__name__}")
    if problems:
        raise TrafficError(dsn_file, problems.listed, unlisted=problems.unlisted)
    if not lines.decisions:
        raise NoTrafficError(dsn_file, ["there is no decision with feedback"])
    return lines.joined()


def _rows(dsn: str, most: int) -> Iterator[tuple[str, str]]:
    """Yields each line with its place."""
    with psycopg.connect(dsn, connect_timeout=CONNECT_S) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        newest = _NEWEST.format(most=sql.Literal(most))
        for table, statement in _STATEMENTS.items():
            with connection.cursor(name="lines") as rows:
                rows.itersize = BATCH
                rows.execute(statement.format(newest=newest))
                for number, (text,) in enumerate(rows, start=1):
                    yield f"{table}: row {number}", text
