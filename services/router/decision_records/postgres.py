"""The sink that writes to PostgreSQL: one table with columns to filter by, and the record as jsonb.

The table is created on the first connection. Lines go by COPY into a temporary table, and from there in
one statement that ignores known ids. So a batch can be sent again: no record is stored twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg

from services.router.decision_records.sinks import SinkDownError, SinkRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.router.decision_records.sinks import Line

TABLE = "routemoa_decisions"
_WRITE_TIMEOUT_S = 15.0
"""For connecting and a batch; after it the server counts as down."""
_MIGRATION_LOCK = 0x526F7574654D6F41
_MIGRATIONS = (
    f"""CREATE TABLE IF NOT EXISTS {TABLE} (
        id text PRIMARY KEY,
        time timestamptz NOT NULL,
        tenant text,
        strategy text NOT NULL,
        outcome text NOT NULL,
        final_model_id text,
        cost_usd double precision NOT NULL,
        record jsonb NOT NULL
    )""",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_time ON {TABLE} (time)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_tenant_time ON {TABLE} (tenant, time)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_outcome_time ON {TABLE} (outcome, time)",
)
"""Run in order on every new connection; each has no effect if it was done already."""
_STAGE = f"CREATE TEMPORARY TABLE staged (LIKE {TABLE}) ON COMMIT DELETE ROWS"
_COPY = "COPY staged FROM STDIN"
_INSERT = f"INSERT INTO {TABLE} SELECT * FROM staged ON CONFLICT (id) DO NOTHING"  # noqa: S608  # constants


class PostgresSink:
    """Writes to a database; a file holds its connection string (`postgresql://...`).

    The file is read for every new connection, so that a changed password is used.
    """

    def __init__(self, dsn_file: Path) -> None:
        self._dsn_file = dsn_file
        self._connection: psycopg.AsyncConnection | None = None

    async def write(self, lines: Sequence[Line]) -> None:
        """Inserts the lines in one transaction, except those that are stored already.

        Raises:
            SinkDownError: The database cannot be reached, hangs, or refuses the login.
            SinkRefusedError: It rejects one of the lines; no line was written.
        """
        try:
            async with asyncio.timeout(_WRITE_TIMEOUT_S):
                connection = self._connection or await self._connect()
                await _insert(connection, lines)
        except psycopg.DataError as error:
            await self.close()
            raise SinkRefusedError(type(error).__name__) from error
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self.close()
            # Without the error's text: it may contain the connection string.
            raise SinkDownError(type(error).__name__) from error

    async def close(self) -> None:
        """Closes the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _connect(self) -> psycopg.AsyncConnection:
        dsn = self._dsn_file.read_text(encoding="utf-8").strip()
        self._connection = connection = await psycopg.AsyncConnection.connect(
            dsn, application_name="routemoa-router"
        )
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            for statement in _MIGRATIONS:
                await connection.execute(statement)
        async with connection.transaction():
            await connection.execute(_STAGE)
        return connection


async def _insert(connection: psycopg.AsyncConnection, lines: Sequence[Line]) -> None:
    async with connection.transaction(), connection.cursor() as cursor:
        async with cursor.copy(_COPY) as copy:
            for line in lines:
                await copy.write_row(
                    (
                        line.id,
                        line.time,
                        line.tenant,
                        line.strategy,
                        line.outcome,
                        line.final_model_id,
                        line.cost_usd,
                        line.json.decode(),
                    )
                )
        await cursor.execute(_INSERT)
