"""Learning's reader of a real database: what leaves it, how much memory it takes, which errors."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from scorer.learning.traffic.database import read_database
from scorer.learning.traffic.traffic import NO_TEXT, TrafficError
from services.router.decision_records.tables import DECISIONS, FEEDBACK
from tests.integration.postgres_server import PostgresServer, postgres_server
from tests.unit.scorer.learning.traffic_lines import decision, feedback

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def server(cluster: PostgresServer) -> PostgresServer:
    for table in (DECISIONS, FEEDBACK):
        cluster.run(f"DROP TABLE IF EXISTS {table.name}")
        for migration in table.migrations:
            cluster.run(migration)
    return cluster


def store(
    server: PostgresServer, decisions: Iterable[dict[str, Any]], said: Iterable[dict[str, Any]]
) -> None:
    """Stores lines as the router does: a few columns and the whole line."""
    with psycopg.connect(server.dsn) as connection, connection.cursor() as rows:
        rows.executemany(
            "INSERT INTO routemoa_decisions (id, time, strategy, outcome, final_model_id, cost_usd,"
            " record) VALUES (%s, %s, 'single', 'ANSWERED', %s, 0, %s)",
            [(d["id"], d["time"], d["final_model_id"], json.dumps(d)) for d in decisions],
        )
        rows.executemany(
            "INSERT INTO routemoa_feedback (decision_id, feedback_id, time, source, record)"
            " VALUES (%s, %s, %s, 'user', %s)",
            [(f["decision_id"], f["feedback_id"], f["time"], json.dumps(f)) for f in said],
        )


def dsn_file(folder: Path, dsn: str) -> Path:
    path = folder / "dsn"
    path.write_text(f"{dsn}\n")
    return path


def test_the_newest_decisions_with_feedback_are_read(
    server: PostgresServer, tmp_path: Path
) -> None:
    decisions = [decision(f"d{n}", minute=n) for n in range(6)]
    decisions += [decision("failed", minute=9, final=None), decision("bare", minute=8, text=None)]
    said = [feedback(d["id"], score=0.5) for d in decisions if d["id"] != "d4"]
    store(server, decisions, [*said, feedback("d5", score=1.0, source="checker")])
    traffic = read_database(dsn_file(tmp_path, server.dsn), most=4)
    assert [each.id for each in traffic.decisions] == ["d2", "d3", "d5"]
    assert traffic.left_out == {NO_TEXT: 1}
    assert traffic.feedback.keys() == {"d2", "d3", "d5", "bare"}
    assert sorted(each.score or 0.0 for each in traffic.feedback["d5"]) == [0.5, 1.0]


def test_memory_is_bounded_by_what_is_kept(server: PostgresServer, tmp_path: Path) -> None:
    long = "x" * 20_000
    many = [decision(f"d{n}", minute=n, text=f"{n} {long}") for n in range(1_000)]
    store(server, many, [feedback(each["id"]) for each in many])
    tracemalloc.start()
    try:
        traffic = read_database(dsn_file(tmp_path, server.dsn), most=50)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(traffic.decisions) == 50
    assert peak_bytes < 10 * 50 * len(long)


@pytest.mark.parametrize("state", ["empty", "no tables", "a bad row", "down"])
def test_what_cannot_be_read_is_named_without_the_connection_string(
    server: PostgresServer, tmp_path: Path, state: str
) -> None:
    dsn, expected = server.dsn, "no decision with feedback"
    if state == "no tables":
        server.run("DROP TABLE routemoa_feedback")
        expected = "no tables of decisions and feedback"
    elif state == "a bad row":
        store(server, [decision("d") | {"layers": 3}], [feedback("d")])
        expected = "routemoa_decisions: row 1: layers must be a list"
    elif state == "down":
        dsn, expected = "postgresql://routemoa:s3cret@127.0.0.1:1/none", "OperationalError"
    with pytest.raises(TrafficError, match=expected) as caught:
        read_database(dsn_file(tmp_path, dsn))
    assert "s3cret" not in str(caught.value)
