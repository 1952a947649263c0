"""Feedback on real answers: stored beside their records, refused for others', bounded."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
import yaml

from routemoa.errors import (
    DecisionNotFoundError,
    FeedbackDisabledError,
    FeedbackLimitError,
    InvalidFieldError,
    UnknownTenantError,
)
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import router_service_pb2 as pb
from services.evaluation.decisions.decision_source import read_feedback, read_feedback_postgres
from services.router.decision_records.config import RecordSettings
from services.router.decision_records.tables import FEEDBACK
from services.router.feedback.tenant_rate import BURST_UNITS, UNITS_PER_S
from tests.integration.decision_files import wait_for
from tests.integration.postgres_server import postgres_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import RouterBench, StartRouter

SCRIPTS = {"a": "eight", "b": "six"}
SCORES = {"a": 0.9, "b": 0.4}
TENANTS = ("us", "them")
TIMEOUT_S = 30.0


@pytest.fixture
def records(tmp_path: Path) -> RecordSettings:
    key = tmp_path / "key"
    key.write_text("a key of more than sixteen bytes")
    return RecordSettings(sink="files", dir=tmp_path / "records", hash_key_file=key)


def tenants_file(folder: Path) -> Path:
    path = folder / "tenants.yaml"
    tenants = [
        {"id": name, "token_sha256": [hashlib.sha256(name.encode()).hexdigest()]}
        for name in TENANTS
    ]
    path.write_text(yaml.safe_dump({"tenants": tenants}))
    return path


def token(name: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {name}"),)


async def send(router: RouterBench, decision_id: str, **fields: Any) -> bool:
    """Sends feedback; returns whether it was recorded before."""
    whole: dict[str, Any] = {
        "decision_id": decision_id,
        "feedback_id": "f",
        "source": pb.FEEDBACK_SOURCE_USER,
        "score": 1.0,
    }
    request = pb.RecordFeedbackRequest(**(whole | fields))
    response = await router.stub.RecordFeedback(
        request, timeout=TIMEOUT_S, metadata=router.metadata
    )
    return response.already_recorded


async def failure(call: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return from_rpc_error(raised.value)


async def feedback_lines(folder: Path, count: int) -> list[dict[str, Any]]:
    """Returns the lines of the open file of feedback as soon as there are so many."""

    def text() -> str:
        return "".join(path.read_text() for path in folder.glob("feedback-*.jsonl.open"))

    async with asyncio.timeout(60):
        while text().count("\n") < count:  # noqa: ASYNC110  # a file tells nobody
            await asyncio.sleep(0.02)
    return [json.loads(line) for line in text().splitlines()]


async def routemoa(*arguments: str) -> tuple[int, str]:
    """Returns exit code and output of a command."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "routemoa.cli", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_feedback_is_stored_beside_the_record_of_its_decision(
    start_router: StartRouter, records: RecordSettings
) -> None:
    assert records.dir is not None
    router = await start_router(SCRIPTS, SCORES, records=records)
    answer = await router.ask()
    assert await send(router, answer.decision_id, score=0.25, preferred_model_id="b") is False
    assert await send(router, answer.decision_id, score=0.25, preferred_model_id="b") is True
    (record,) = await wait_for(records.dir, 1)
    (line,) = await feedback_lines(records.dir, 1)
    assert record.id == line["decision_id"] == answer.decision_id
    assert (line["tenant"], line["source"]) == (None, "user")
    assert (line["score"], line["preferred_model_id"]) == (0.25, "b")


async def test_any_router_takes_feedback_and_a_tenant_speaks_of_its_own_decisions_alone(
    start_router: StartRouter, records: RecordSettings, tmp_path: Path
) -> None:
    assert records.dir is not None
    settings = {"records": records, "tenants_file": tenants_file(tmp_path)}
    first = await start_router(SCRIPTS, SCORES, **settings)
    second = await start_router(SCRIPTS, SCORES, **settings)
    first.metadata = second.metadata = token("us")
    answer = await first.ask()
    assert await send(second, answer.decision_id) is False

    second.metadata = token("them")
    foreign = await failure(send(second, answer.decision_id))
    unknown = await failure(send(second, "0" * 48))
    assert isinstance(foreign, DecisionNotFoundError)
    assert isinstance(unknown, DecisionNotFoundError)
    told = [(error.message, {**error.metadata, "request_id": ""}) for error in (foreign, unknown)]
    assert told[0] == told[1]
    second.metadata = token("nobody")
    assert isinstance(await failure(send(second, answer.decision_id)), UnknownTenantError)
    (line,) = await feedback_lines(records.dir, 1)
    assert line["tenant"] == "us"


async def test_a_router_says_what_it_lacks_to_keep_feedback(
    start_router: StartRouter, tmp_path: Path
) -> None:
    no_sink = await start_router(SCRIPTS, SCORES)
    error = await failure(send(no_sink, "d"))
    assert isinstance(error, FeedbackDisabledError)
    assert error.metadata["settings"] == "records_sink,records_hash_key_file"

    no_key = await start_router(
        SCRIPTS, SCORES, records=RecordSettings(sink="files", dir=tmp_path / "records")
    )
    error = await failure(send(no_key, (await no_key.ask()).decision_id))
    assert isinstance(error, FeedbackDisabledError)
    assert error.metadata["settings"] == "records_hash_key_file"


async def test_contradicting_feedback_under_one_id_is_refused(
    start_router: StartRouter, records: RecordSettings
) -> None:
    router = await start_router(SCRIPTS, SCORES, records=records)
    decision_id = (await router.ask()).decision_id
    await send(router, decision_id, score=1.0)
    error = await failure(send(router, decision_id, score=0.0))
    assert isinstance(error, InvalidFieldError)
    assert [violation.field for violation in error.violations] == ["feedback_id"]
    assert await send(router, decision_id, feedback_id="g", score=0.0) is False


async def test_a_flood_ends_in_a_delay_and_answers_go_on(
    start_router: StartRouter, records: RecordSettings, tmp_path: Path
) -> None:
    # The sink is down: a file is where the directory should be.
    (tmp_path / "file").write_text("no directory")
    down = records.model_copy(update={"dir": tmp_path / "file"})
    router = await start_router(SCRIPTS, SCORES, records=down)
    decision_id = (await router.ask()).decision_id
    sent = [
        send(router, decision_id, feedback_id=str(number), better_answer="x" * 32_000)
        for number in range(400)
    ]
    started_s = time.monotonic()
    outcomes = await asyncio.gather(*sent, return_exceptions=True)
    accepted = BURST_UNITS + UNITS_PER_S * (
        time.monotonic() - started_s
    )  # of one unit or more each
    refused = [from_rpc_error(o) for o in outcomes if isinstance(o, grpc.aio.AioRpcError)]
    assert len(refused) >= max(1, len(sent) - 1 - accepted)
    assert all(isinstance(error, FeedbackLimitError) for error in refused)
    assert all(error.retry_delay_s for error in refused)
    assert (await router.ask()).answer.text


async def test_the_readers_find_what_a_router_wrote(
    start_router: StartRouter, records: RecordSettings, tmp_path: Path
) -> None:
    with postgres_server() as server:
        dsn = tmp_path / "dsn"
        dsn.write_text(server.dsn)
        in_database = RecordSettings(
            sink="postgres",
            postgres_dsn_file=dsn,
            hash_key_file=records.hash_key_file,
            keep_text=True,
        )
        assert list(read_feedback_postgres(server.dsn)) == []
        router = await start_router(SCRIPTS, SCORES, records=in_database)
        decision_id = (await router.ask()).decision_id
        await send(router, decision_id, better_answer="Eight legs.")
        await send(router, decision_id, feedback_id="g", source=pb.FEEDBACK_SOURCE_CHECKER, score=0)
        async with asyncio.timeout(60):
            while len(found := list(read_feedback_postgres(server.dsn))) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        rows = server.rows(f"SELECT source, score FROM {FEEDBACK.name} ORDER BY source")  # noqa: S608
    assert rows == [("checker", 0.0), ("user", 1.0)]
    assert {(item.decision_id, item.better_answer) for item in found} == {
        (decision_id, "Eight legs."),
        (decision_id, None),
    }
    folder = tmp_path / "collected"
    folder.mkdir()
    lines = "".join(f"{item.model_dump_json()}\n" for item in found)
    (folder / "feedback-20261201T000000Z-00000000.jsonl").write_text(lines)
    assert list(read_feedback([folder / "feedback-20261201T000000Z-00000000.jsonl"])) == found


async def test_the_command_line_records_feedback(
    start_router: StartRouter, records: RecordSettings
) -> None:
    assert records.dir is not None
    router = await start_router(SCRIPTS, SCORES, records=records)
    decision_id = (await router.ask()).decision_id
    command = ("feedback", decision_id, "--router", router.address, "--feedback-id", "f")
    assert await routemoa(*command, "--score", "1") == (0, "recorded\n")
    assert await routemoa(*command, "--score", "1") == (0, "recorded before\n")
    assert (await routemoa(*command, "--score", "0.5"))[0] == 2
    assert (await routemoa(*command))[0] == 2
    (line,) = await feedback_lines(records.dir, 1)
    assert line["score"] == 1
