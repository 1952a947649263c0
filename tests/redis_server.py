"""Redis servers of the test's own: on a Unix socket, and on a port if one is given."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis

from tests.ports import free_port
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
    port: int = 0
    """The port on 127.0.0.1; 0 for none."""
    options: tuple[str, ...] = ()
    """Further options of the command line."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/redis.sock"

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        """Starts it and waits until it answers."""
        options = [
            *("--port", str(self.port), "--bind", "127.0.0.1"),
            *("--unixsocket", "redis.sock"),
            *("--save", "", "--loglevel", "warning", "--repl-diskless-sync-delay", "0"),
            *self.options,
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

    def promote(self) -> None:
        """Makes it a primary."""
        with self.client() as client:
            client.execute_command("REPLICAOF", "NO", "ONE")

    def follow(self, primary: RedisServer) -> None:
        """Makes it a replica of another server; returns at once."""
        with self.client() as client:
            client.execute_command("REPLICAOF", "127.0.0.1", primary.port)

    def wait_for_replica(self) -> None:
        """Waits until a replica has everything that was written so far."""
        with self.client() as client:
            give_up_s = time.monotonic() + _START_S
            while not client.execute_command("WAIT", 1, 1_000):
                assert time.monotonic() < give_up_s


@contextmanager
def running_redis(folder: Path, *options: str, port: int = 0) -> Iterator[RedisServer]:
    """Runs a server until the block ends."""
    server = RedisServer(folder=folder, program=redis_program(), port=port, options=options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def running_sentinel(
    folder: Path, name: str, primary_port: int, *options: str, replica_count: int = 1
) -> Iterator[int]:
    """Runs a Sentinel until the block ends; yields its port once it knows the primary's replicas.

    Args:
        folder: Where it keeps its configuration.
        name: The name of the primary.
        primary_port: Its port on 127.0.0.1.
        options: Further lines of the configuration; `PORT` stands for a second port, which is
            yielded instead.
        replica_count: Number of replicas.
    """
    port, second_port, config = free_port(), free_port(), folder / "sentinel.conf"
    lines = "\n".join(options)
    config.write_text(
        f"port {port}\nbind 127.0.0.1\n{lines.replace('PORT', str(second_port))}\n"
        f"sentinel monitor {name} 127.0.0.1 {primary_port} 1\n"
        f"sentinel down-after-milliseconds {name} 1000\n"
        f"sentinel failover-timeout {name} 10000\n"
    )
    process = subprocess.Popen(  # noqa: S603  # the program that was looked up
        [redis_program(), config, "--sentinel"], cwd=folder, stdout=subprocess.DEVNULL
    )
    try:
        give_up_s = time.monotonic() + _START_S
        with redis.Redis(port=port) as client:
            while True:
                with suppress(redis.ConnectionError):
                    if client.sentinel_master(name)["num-slaves"] == replica_count:
                        break
                assert time.monotonic() < give_up_s
                time.sleep(0.05)
        yield second_port if "PORT" in lines else port
    finally:
        process.kill()
        process.wait()
