"""A real PostgreSQL server for a test: its own cluster, on a free loopback port, killed at will."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from routemoa.cli.stack import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_TIMEOUT_S = 30.0


def _programs() -> Path:
    """Returns where initdb and postgres are; they are seldom on the path."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    if found is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return Path(found).parent


def _user() -> str | None:
    """Returns who the server must run as, since it refuses root; None means whoever we are."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


class PostgresServer:
    """One cluster; the server can be killed and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self._programs = _programs()
        self._user = _user()
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            shutil.chown(folder, self._user)
        subprocess.run(  # noqa: S603  # programs of the installation
            [
                self._programs / "initdb",
                *("--pgdata", self._data, "--username", "routemoa", "--auth", "trust"),
                *("--no-sync", "--encoding", "UTF8", "--locale", "C"),
            ],
            user=self._user,
            cwd="/",
            check=True,
            capture_output=True,
        )

    @property
    def dsn(self) -> str:
        """The connection string."""
        return f"postgresql://routemoa@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Starts the server and waits until it takes connections."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # as above
                [
                    self._programs / "postgres",
                    *("-D", self._data, "-p", str(self._port), "-h", "127.0.0.1", "-k", ""),
                    *("-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=20"),
                ],
                user=self._user,
                cwd="/",
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        give_up_s = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                psycopg.connect(self.dsn, connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > give_up_s or self._process.poll() is not None:
                    raise AssertionError(self._log.read_text()) from None
                time.sleep(0.05)
            else:
                return

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the server and all its processes."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """Ends the server as a crash would."""
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGKILL)
            self._process.wait()

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Returns the rows of a query."""
        with psycopg.connect(self.dsn, connect_timeout=5) as connection:
            return connection.execute(query.encode()).fetchall()

    def run(self, statement: str) -> None:
        """Runs a statement that has no rows."""
        with psycopg.connect(self.dsn, connect_timeout=5) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    """Runs a server until the block ends."""
    server = PostgresServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
