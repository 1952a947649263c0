"""A rollout from its start to its end, with real scorer, router and database, and a killed command."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import psycopg
import pytest

from routemoa.v1 import model_pb2
from routemoa.v1.router_service_pb2 import (
    FEEDBACK_SOURCE_USER,
    GenerateAnswerRequest,
    RecordFeedbackRequest,
)
from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from scorer import Runtime, default_artifact_path, load_artifact
from services.simulator import running_simulator
from tests.integration.conftest import write_pool
from tests.integration.postgres_server import PostgresServer, postgres_server
from tests.integration.service_process import logged, started
from tests.scripted_answers import ScriptedAnswers
from tests.unit.scorer.rollout.samples import activated, log_lines, renamed_artifact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Connect

TIMEOUT_S = 120
QUERY = "How many legs has spider number {}?"
TOGETHER = 8
RETRY_S = 0.5
SHADOW_COUNT, SHARE_COUNT = 20, 240
LIMITS = ("--min-shadow-queries", "20", "--min-feedback", "100", "--max-latency-increase", "50")
KILLED = """
import os, signal, sys
from scorer.export import activation
activation.activate = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
from services.evaluation.__main__ import app
app()
"""
"""The program, killed at the moment when it moves the link."""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as cluster:
        yield cluster


def best_and_worst() -> tuple[str, str]:
    """Returns the models of the shipped artifact that it ranks first and last for the queries."""
    runtime = Runtime.open(load_artifact(default_artifact_path()), intra_op_threads=1)
    scores = runtime.score([runtime.tokenize(QUERY.format(n)) for n in range(5)]).mean(axis=0)
    return runtime.model_ids[scores.argmax()], runtime.model_ids[scores.argmin()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A link, its scorer, a router and their database."""

    link: Path
    dsn_file: Path
    server: PostgresServer
    scorer: asyncio.subprocess.Process
    router: RouterServiceStub

    async def command(self, name: str, *arguments: str, program: str = "") -> tuple[int, Any]:
        """Runs a command; returns its exit status, and the JSON that it printed."""
        evidence = ("--postgres-dsn-file", str(self.dsn_file)) if name == "step" else ()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(("-c", program) if program else ("-m", "services.evaluation")),
            *("rollout", name, *arguments, "--link", str(self.link), *evidence, "--json"),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(TIMEOUT_S):
            output, _ = await process.communicate()
        return process.returncode or 0, json.loads(output) if output else None

    async def seen(self, stage: str) -> None:
        """Waits until the scorer follows a stage."""
        while (await logged(self.scorer, "rollout"))["stage"] != stage:
            pass

    async def seen_promoted(self) -> None:
        """Waits until the scorer follows the promotion and serves the artifact, in any order."""
        missing = {"promoted", "reloaded"}
        while missing:
            line = await logged(self.scorer, "rollout", "reloaded")
            missing.discard(str(line.get("stage", line["event"])))

    async def traffic(self, count: int, *, good: str = "") -> None:
        """Asks questions and, if a good model is named, praises its answers and no others."""
        queue = asyncio.Queue[int]()
        for number in range(count):
            queue.put_nowait(number)
        before = self._recorded("routemoa_decisions"), self._recorded("routemoa_feedback")

        async def ask() -> None:
            while not queue.empty():
                text = QUERY.format(queue.get_nowait())
                message = model_pb2.Message(role=model_pb2.ROLE_USER, content=text)
                request = GenerateAnswerRequest(messages=[message])
                answer = await self.router.GenerateAnswer(request, timeout=TIMEOUT_S)
                if good:
                    feedback = RecordFeedbackRequest(
                        decision_id=answer.decision_id,
                        feedback_id="1",
                        source=FEEDBACK_SOURCE_USER,
                        score=float(answer.answer.model_id == good),
                    )
                    await self._record(feedback)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(TOGETHER):
                tasks.create_task(ask())
        wanted = before[0] + count, before[1] + (count if good else 0)
        async with asyncio.timeout(TIMEOUT_S):
            while (  # noqa: ASYNC110  # a table tells nobody
                self._recorded("routemoa_decisions"),
                self._recorded("routemoa_feedback"),
            ) != wanted:
                await asyncio.sleep(0.1)

    async def _record(self, feedback: RecordFeedbackRequest) -> None:
        """Sends feedback, as fast as the router takes it."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                try:
                    await self.router.RecordFeedback(feedback)
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                        raise
                    await asyncio.sleep(RETRY_S)
                else:
                    return

    def _recorded(self, table: str) -> int:
        try:
            ((count,),) = self.server.rows(f"SELECT count(*) FROM {table}")  # noqa: S608  # a constant
        except psycopg.errors.UndefinedTable:
            return 0
        return int(str(count))


async def start_site(
    stack: AsyncExitStack, folder: Path, server: PostgresServer, connect: Connect, *models: str
) -> Site:
    link, dsn_file = activated(folder), folder / "dsn"
    dsn_file.write_text(server.dsn)
    key_file = folder / "key"
    key_file.write_text("a key of the routers")
    scripts = dict.fromkeys(models, "eight")
    simulator = await stack.enter_async_context(running_simulator(ScriptedAnswers(scripts)))
    scorer = await stack.enter_async_context(
        started("scorer", ARTIFACT=str(link), ARTIFACT_RELOAD_INTERVAL_S="0.1")
    )
    scorer_address = str((await logged(scorer, "listening"))["address"])
    router = await stack.enter_async_context(
        started(
            "router",
            POOL_FILE=str(write_pool(folder, simulator.url, scripts, {}, None)),
            SCORER_ADDRESS=scorer_address,
            STRATEGY="single",
            DEPENDENCY_TIMEOUT_S="30",
            RECORDS_SINK="postgres",
            RECORDS_POSTGRES_DSN_FILE=str(dsn_file),
            RECORDS_HASH_KEY_FILE=str(key_file),
        )
    )
    address = str((await logged(router, "listening"))["address"])
    assert router.stderr is not None
    # The log of refused feedback would fill the pipe and stop the router.
    stack.callback(asyncio.create_task(router.stderr.read()).cancel)
    return Site(
        link=link,
        dsn_file=dsn_file,
        server=server,
        scorer=scorer,
        router=RouterServiceStub(connect(address)),
    )


async def roll_out(site: Site, candidate: Path, good: str) -> None:
    """Starts a rollout and gives it all the evidence that it needs, up to the deciding step."""
    status, rollout = await site.command("start", str(candidate), *LIMITS)
    assert (status, rollout["stage"]) == (0, "shadow")
    await site.seen("shadow")
    await site.traffic(SHADOW_COUNT + 1)  # one is lost: the router meets the candidate
    status, rollout = await site.command("step")
    assert (status, rollout["stage"]) == (0, "share")
    assert rollout["figures"]["differing_share"] > 0.9
    await site.seen("share")
    await site.traffic(SHARE_COUNT, good=good)


@pytest.mark.timeout(600)
async def test_a_better_artifact_is_promoted_over_a_kill_and_a_worse_one_rolled_back(
    tmp_path: Path, server: PostgresServer, connect: Connect
) -> None:
    old, new = default_artifact_path(), tmp_path / "new"
    good_now, good = best_and_worst()
    renamed_artifact(new, {good: good_now, good_now: good})
    async with AsyncExitStack() as stack:
        site = await start_site(stack, tmp_path, server, connect, good, good_now)
        await roll_out(site, new, good)
        status, _ = await site.command("step", program=KILLED)
        assert status == -signal.SIGKILL
        assert site.link.resolve() == old.resolve()
        status, rollout = await site.command("step")
        assert (status, rollout["stage"]) == (0, "promoted")
        assert site.link.resolve() == new.resolve()
        await site.seen_promoted()
        status, rollout = await site.command("step")
        assert (status, rollout["stage"]) == (0, "promoted"), "another step changes nothing"
        await roll_out(site, old, good)
        status, rollout = await site.command("step")
        assert (status, rollout["stage"]) == (0, "rolled_back")
        assert rollout["figures"]["gain"] < -0.5
        await site.seen("rolled_back")
        assert site.link.resolve() == new.resolve()
    stages = [line["stage"] for line in log_lines(site.link)]
    assert stages == ["shadow", "share", "promoting", "promoted", "shadow", "share", "rolled_back"]
