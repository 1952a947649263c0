"""The sink that writes one kind of line to its table in PostgreSQL.

The table is created on the first connection. Lines go by COPY into a temporary table, and from there in
one statement that ignores known keys. So a batch can be sent again: no record is stored twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic

import psycopg

from services.router.decision_records.sinks import LineT, SinkDownError, SinkRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.router.decision_records.tables import Table

_WRITE_TIMEOUT_S = 15.0
"""For connecting and a batch; after it the server counts as down."""
_MIGRATION_LOCK = 0x526F7574654D6F41
_COPY = "COPY staged FROM STDIN"


class PostgresSink(Generic[LineT]):
    """Writes to a database; a file holds its connection string (`postgresql://...`).

    The file is read for every new connection, so that a changed password is used.
    """

    def __init__(self, dsn_file: Path, table: Table[LineT]) -> None:
        self._dsn_file = dsn_file
        self._table = table
        stage = f"CREATE TEMPORARY TABLE staged (LIKE {table.name}) ON COMMIT DELETE ROWS"
        # The names are constants.
        insert = (
            f"INSERT INTO {table.name} SELECT * FROM staged ON CONFLICT ({table.key}) DO NOTHING"  # noqa: S608
        )
        self._stage, self._insert = stage.encode(), insert.encode()
        self._connection: psycopg.AsyncConnection | None = None

    async def write(self, lines: Sequence[LineT]) -> None:
        """Inserts the lines in one transaction, except those that are stored already.

        Raises:
            SinkDownError: The database cannot be reached, hangs, or refuses the login.
            SinkRefusedError: It rejects one of the lines; no line was written.
        """
        try:
            async with asyncio.timeout(_WRITE_TIMEOUT_S):
                connection = self._connection or await self._connect()
                await self._store(connection, lines)
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
            for statement in self._table.migrations:
                await connection.execute(statement.encode())
        async with connection.transaction():
            await connection.execute(self._stage)
        return connection

    async def _store(self, connection: psycopg.AsyncConnection, lines: Sequence[LineT]) -> None:
        async with connection.transaction(), connection.cursor() as cursor:
            async with cursor.copy(_COPY) as copy:
                for line in lines:
                    await copy.write_row((*self._table.row(line), line.json.decode()))
            await cursor.execute(self._insert)
