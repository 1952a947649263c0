"""Decision records of a router that is a process: its output, its signals, its refusals."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING

import pytest

from routemoa.v1 import model_pb2
from routemoa.v1.router_service_pb2 import (
    FEEDBACK_SOURCE_USER,
    GenerateAnswerRequest,
    RecordFeedbackRequest,
)
from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from services.simulator import running_simulator
from tests.integration.conftest import write_pool
from tests.integration.decision_files import wait_for, written
from tests.integration.service_process import START_S, logged, refusal, started
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Connect

SCRIPTS = {"a": "eight"}
QUESTION = GenerateAnswerRequest(
    messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content="How many legs?")]
)


async def ask(connect: Connect, process: asyncio.subprocess.Process) -> str:
    """Asks a started router one question and returns the id of the decision."""
    address = str((await logged(process, "listening"))["address"])
    stub = RouterServiceStub(connect(address))
    return (await stub.GenerateAnswer(QUESTION, timeout=START_S)).decision_id


async def test_standard_output_holds_the_records_and_nothing_else(
    connect: Connect, tmp_path: Path
) -> None:
    async with running_simulator(ScriptedAnswers(SCRIPTS)) as simulator:
        pool = write_pool(tmp_path, simulator.url, SCRIPTS, {}, None)
        async with started("router", POOL_FILE=str(pool), RECORDS_SINK="stdout") as process:
            decision_id = await ask(connect, process)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(START_S):
                output, _ = await process.communicate()
    assert process.returncode == 0
    assert [json.loads(line)["id"] for line in output.splitlines()] == [decision_id]


async def test_on_standard_output_feedback_is_a_line_like_the_records(
    connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("a key of more than sixteen bytes")
    async with running_simulator(ScriptedAnswers(SCRIPTS)) as simulator:
        settings = {
            "POOL_FILE": str(write_pool(tmp_path, simulator.url, SCRIPTS, {}, None)),
            "RECORDS_SINK": "stdout",
            "RECORDS_HASH_KEY_FILE": str(tmp_path / "key"),
        }
        async with started("router", **settings) as process:
            address = str((await logged(process, "listening"))["address"])
            stub = RouterServiceStub(connect(address))
            answer = await stub.GenerateAnswer(QUESTION, timeout=START_S)
            feedback = RecordFeedbackRequest(
                decision_id=answer.decision_id,
                feedback_id="f",
                source=FEEDBACK_SOURCE_USER,
                score=1,
            )
            await stub.RecordFeedback(feedback, timeout=START_S)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(START_S):
                output, _ = await process.communicate()
    record, line = map(json.loads, output.splitlines())
    assert record["id"] == line["decision_id"] == answer.decision_id
    assert line["feedback_id"] == "f"


async def test_records_of_a_killed_router_are_finished_by_the_next(
    connect: Connect, tmp_path: Path
) -> None:
    folder = tmp_path / "records"
    async with running_simulator(ScriptedAnswers(SCRIPTS)) as simulator:
        settings = {
            "POOL_FILE": str(write_pool(tmp_path, simulator.url, SCRIPTS, {}, None)),
            "RECORDS_SINK": "files",
            "RECORDS_DIR": str(folder),
        }
        async with started("router", **settings) as process:
            first = await ask(connect, process)
            await wait_for(folder, 1)
            process.kill()
            await process.wait()
        assert [path.suffix for path in folder.iterdir()] == [".open"]
        async with started("router", **settings) as process:
            second = await ask(connect, process)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(START_S):
                await process.communicate()
    assert [record.id for record in written(folder)] == [first, second]
    assert {path.suffix for path in folder.iterdir()} == {".gz"}


@pytest.mark.parametrize(
    ("settings", "status", "said"),
    [
        ({"RECORDS_SINK": "files"}, 2, "needs records_dir"),
        ({"RECORDS_SINK": "postgres"}, 2, "needs records_postgres_dsn_file"),
        ({"RECORDS_SINK": "kafka"}, 2, "RECORDS_SINK"),
        (
            {"RECORDS_SINK": "postgres", "RECORDS_POSTGRES_DSN_FILE": "/nowhere"},
            1,
            "records_postgres_dsn_file cannot be read",
        ),
        ({"RECORDS_HASH_KEY_FILE": "/nowhere"}, 1, "records_hash_key_file cannot be read"),
        ({"RECORDS_HASH_KEY_FILE": "/dev/null"}, 1, "fewer than 16 bytes"),
    ],
)
async def test_what_records_need_is_checked_before_the_router_starts(
    settings: dict[str, str], status: int, said: str, tmp_path: Path
) -> None:
    pool = write_pool(tmp_path, "http://127.0.0.1:1/v1", SCRIPTS, {}, None)
    code, text = await refusal("router", POOL_FILE=str(pool), **settings)
    assert code == status
    assert said in text
