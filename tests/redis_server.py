"""A Redis server of the test's own: started on a Unix socket, without anything on disk."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis

from tests.toolchain import missing

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator
    from pathlib import Path

_START_S = 60.0


def redis_program() -> str:
    """Returns the path of redis-server, or skips the test where there is none."""
    program = shutil.which("redis-server")
    if program is None:
        missing("no redis-server here (Debian's redis-server has it)")
    return program


@dataclass(slots=True, kw_only=True)
class RedisServer:
    """A server that can be stopped, stalled and started again."""

    folder: Path
    program: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/redis.sock"

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        """Starts it and waits until it answers."""
        options = [
            "--port",
            "0",
            "--unixsocket",
            "redis.sock",
            "--save",
            "",
            "--loglevel",
            "warning",
        ]
        self.process = subprocess.Popen(  # noqa: S603  # the program that was looked up
            [self.program, *options], cwd=self.folder, stdout=subprocess.DEVNULL
        )
        give_up_s = time.monotonic() + _START_S
        with self.client() as client:
            while True:
                try:
                    client.ping()
                except redis.ConnectionError:
                    if self.process.poll() is not None or time.monotonic() > give_up_s:
                        raise
                    time.sleep(0.01)
                else:
                    return

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kills it, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """Runs a server until the block ends."""
    server = RedisServer(folder=folder, program=redis_program())
    server.start()
    try:
        yield server
    finally:
        server.kill()
