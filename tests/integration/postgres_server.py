"""A real PostgreSQL server for a test: its own cluster, on a Unix socket, killed at will."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from tests.toolchain import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_TIMEOUT_S = 90.0
_AS_USER = """
import os, pwd, sys
account = pwd.getpwnam(sys.argv[1])
os.setgroups([])
os.setgid(account.pw_gid)
os.setuid(account.pw_uid)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Runs a program as another user. Popen's `user` would fork, and what gRPC does in a fork can crash."""


def _programs() -> Path:
    """Returns where initdb and postgres are; they are seldom on the path."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    if found is None:
        missing("no PostgreSQL server here (Debian's postgresql has it)")
    return Path(found).parent


def _other_user() -> str | None:
    """Returns the user to run the server as, which refuses root; None means the current one."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


class PostgresServer:
    """One cluster; the server can be killed and started again on the same socket."""

    def __init__(self, folder: Path) -> None:
        self._programs = _programs()
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._as_user: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        if (user := _other_user()) is not None:
            shutil.chown(folder, user)
            self._as_user = (sys.executable, "-c", _AS_USER, user)
        subprocess.run(  # noqa: S603  # programs of the installation
            [
                *(*self._as_user, str(self._programs / "initdb")),
                *("--pgdata", self._data, "--username", "routemoa", "--auth", "trust"),
                *("--no-sync", "--encoding", "UTF8", "--locale", "C"),
            ],
            cwd="/",
            check=True,
            capture_output=True,
        )

    @property
    def dsn(self) -> str:
        """The connection string."""
        return f"postgresql://routemoa@/postgres?host={self._folder}"

    def start(self) -> None:
        """Starts the server and waits until it takes connections."""
        give_up_s = time.monotonic() + _START_TIMEOUT_S
        while not self._accepts():
            # What a killed server leaves behind can keep the next one from starting for a moment.
            if self._process is None or self._process.poll() is not None:
                self._process = self._launch()
            assert time.monotonic() < give_up_s, self._log.read_text()
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the server and all its processes, each of which has a group of its own."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in (pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        """Ends the server as a crash would."""
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGKILL)
            self._process.wait()

    def _launch(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603  # as above
                [
                    *(*self._as_user, str(self._programs / "postgres")),
                    *("-D", self._data, "-h", "", "-k", self._folder),
                    *("-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=20"),
                ],
                cwd="/",
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _accepts(self) -> bool:
        try:
            psycopg.connect(self.dsn, connect_timeout=10).close()
        except psycopg.OperationalError:
            return False
        return True

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Returns the rows of a query."""
        with psycopg.connect(self.dsn, connect_timeout=30) as connection:
            return connection.execute(query.encode()).fetchall()

    def run(self, statement: str) -> None:
        """Runs a statement that has no rows."""
        with psycopg.connect(self.dsn, connect_timeout=30) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Runs a server until the block ends."""
    # Not below pytest's own folder, which is closed to the server's user.
    with tempfile.TemporaryDirectory(prefix="routemoa-postgres-") as folder:
        server = PostgresServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()
