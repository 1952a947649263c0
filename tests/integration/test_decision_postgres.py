"""Decision records in a real PostgreSQL server, which is killed and stopped while they are written."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from services.evaluation.decisions.replay_command import main as replay
from services.router.decision_records.buffer import open_buffer
from services.router.decision_records.config import RecordSettings
from services.router.decision_records.postgres import PostgresSink
from services.router.decision_records.sinks import SinkDownError, SinkRefusedError
from services.router.decision_records.tables import DECISIONS
from tests.integration.postgres_server import PostgresServer, postgres_server
from tests.unit.router.decision_records.samples import line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from services.router.decision_records.sinks import Line
    from tests.integration.conftest import StartRouter


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def server(cluster: PostgresServer) -> PostgresServer:
    cluster.run(f"DROP TABLE IF EXISTS {DECISIONS.name}")
    return cluster


@pytest.fixture
def dsn_file(server: PostgresServer, tmp_path: Path) -> Path:
    path = tmp_path / "dsn"
    path.write_text(f"{server.dsn}\n")
    return path


@asynccontextmanager
async def open_sink(dsn_file: Path) -> AsyncIterator[PostgresSink[Line]]:
    sink = PostgresSink(dsn_file, DECISIONS)
    try:
        yield sink
    finally:
        await sink.close()


def ids(server: PostgresServer) -> list[str]:
    """Returns the ids of the records; the sink creates the table when it first writes."""
    try:
        rows = server.rows("SELECT id FROM routemoa_decisions ORDER BY 1")
    except psycopg.errors.UndefinedTable:
        return []
    return [str(row[0]) for row in rows]


async def test_a_record_is_a_row_with_columns_to_filter_by(
    server: PostgresServer, dsn_file: Path
) -> None:
    async with open_sink(dsn_file) as sink:
        await sink.write([line("a"), replace(line("b"), tenant="support")])
    rows = server.rows(
        "SELECT id, tenant, outcome, cost_usd, record->>'id' FROM routemoa_decisions ORDER BY 1"
    )
    assert rows == [("a", None, "answered", 0.5, "a"), ("b", "support", "answered", 0.5, "b")]


async def test_a_batch_that_is_sent_again_adds_nothing(
    server: PostgresServer, dsn_file: Path
) -> None:
    async with open_sink(dsn_file) as sink:
        await sink.write([line("a"), line("b")])
        await sink.write([line("b"), line("c")])
    assert ids(server) == ["a", "b", "c"]


async def test_routers_that_start_together_make_the_table_once(
    server: PostgresServer, dsn_file: Path
) -> None:
    async def one(name: str) -> None:
        async with open_sink(dsn_file) as sink:
            await sink.write([line(name)])

    async with asyncio.TaskGroup() as tasks:
        for number in range(6):
            tasks.create_task(one(f"{number}"))
    assert ids(server) == [str(number) for number in range(6)]


async def test_what_jsonb_cannot_hold_is_refused_and_the_rest_written(
    server: PostgresServer, dsn_file: Path
) -> None:
    bad = replace(line("bad"), json=json.dumps({"text": "\x00"}).encode())
    async with open_sink(dsn_file) as sink:
        with pytest.raises(SinkRefusedError):
            await sink.write([line("a"), bad])
        await sink.write([line("a")])
    assert ids(server) == ["a"]


async def test_a_wrong_password_file_is_a_sink_that_is_down(tmp_path: Path) -> None:
    path = tmp_path / "dsn"
    path.write_text("postgresql://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(SinkDownError) as caught:
        await PostgresSink(path, DECISIONS).write([line("a")])
    assert "secret" not in str(caught.value)


async def test_records_of_an_outage_arrive_after_it_and_nobody_waits(
    server: PostgresServer, dsn_file: Path
) -> None:
    sink = PostgresSink(dsn_file, DECISIONS)
    slowest_s = down_s = up_s = 0.0
    async with open_buffer(
        sink, max_bytes=10_000_000, first_pause_s=0.01, drain_timeout_s=60
    ) as buffer:
        for number in range(300):
            if number == 100:
                await asyncio.to_thread(server.kill)
                down_s = time.perf_counter()
            if number == 200:
                await asyncio.to_thread(server.start)
                up_s = time.perf_counter()
            started_s = time.perf_counter()
            buffer.put(line(f"{number:03}"))
            slowest_s = max(slowest_s, time.perf_counter() - started_s)
            await asyncio.sleep(0)
    assert ids(server) == [f"{number:03}" for number in range(300)]
    assert slowest_s < (up_s - down_s) / 2  # one that waited for the server would take all of it


async def test_a_server_that_hangs_does_not_hold_up_the_end(
    server: PostgresServer, dsn_file: Path
) -> None:
    sink = PostgresSink(dsn_file, DECISIONS)
    async with open_sink(dsn_file) as first:
        await first.write([line("a")])
    server.signal(signal.SIGSTOP)
    try:
        async with (
            asyncio.timeout(60),
            open_buffer(sink, max_bytes=10_000_000, drain_timeout_s=0.2) as buffer,
        ):
            buffer.put(line("b"))
    finally:
        server.signal(signal.SIGCONT)
    assert ids(server) == ["a"]


async def test_a_database_that_dies_delays_no_answer_and_gets_every_record(
    server: PostgresServer,
    dsn_file: Path,
    start_router: StartRouter,
    capsys: pytest.CaptureFixture[str],
) -> None:
    router = await start_router(
        {"a": "eight", "b": "six"},
        {"a": 0.9, "b": 0.4},
        records=RecordSettings(sink="postgres", postgres_dsn_file=dsn_file),
    )
    given: list[str] = []

    async def ask(count: int) -> float:
        """Returns the longest that one of so many answers took."""
        slowest_s = 0.0
        for _ in range(count):
            started_s = time.perf_counter()
            given.append((await router.ask(timeout_s=20)).decision_id)
            slowest_s = max(slowest_s, time.perf_counter() - started_s)
        return slowest_s

    await ask(10)
    await asyncio.to_thread(server.kill)
    without_s = await ask(30)
    await asyncio.to_thread(server.start)
    await ask(10)
    async with asyncio.timeout(60):
        while len(ids(server)) < len(given):  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.1)
    assert ids(server) == sorted(given)
    # Connecting anew is tried for up to 15 s at a time; an answer that waited for it would show.
    assert without_s < 5
    assert replay(["--postgres-dsn-file", str(dsn_file), "--strategy", "single"]) == 0
    assert "records: 50, " in capsys.readouterr().out
