"""Records in PostgreSQL: one table, a column for what is filtered by, and the whole record as jsonb.

The table is made on the first connection. Lines travel by COPY into a temporary table and from there in
one statement, so that a batch of unknown fate can be sent again: no record comes twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg

from services.router.decision_records.sink import SinkDownError, SinkRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.router.decision_records.sink import Line

TABLE = "routemoa_decisions"
_WRITE_TIMEOUT_S = 15.0
"""For connecting and a batch; a server that hangs is as good as down."""
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
"""Run on every first connection, in order; each does nothing where it was done already."""
_STAGE = f"CREATE TEMPORARY TABLE staged (LIKE {TABLE}) ON COMMIT DELETE ROWS"
_COPY = "COPY staged FROM STDIN"
_INSERT = f"INSERT INTO {TABLE} SELECT * FROM staged ON CONFLICT (id) DO NOTHING"  # noqa: S608  # constants


class PostgresSink:
    """Writes to the database that a file names by its connection string (`postgresql://...`).

    The file is read anew for every connection, so that a changed password is picked up.
    """

    def __init__(self, dsn_file: Path) -> None:
        self._dsn_file = dsn_file
        self._connection: psycopg.AsyncConnection | None = None

    async def write(self, lines: Sequence[Line]) -> None:
        """Inserts the lines in one transaction; those that are there already are left as they are.

        Raises:
            SinkDownError: The database cannot be reached, hangs, or does not let us in.
            SinkRefusedError: It takes none of the lines, because of one of them.
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
            # Not the text: it may hold the connection string.
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
