"""A live router's own traffic: asked, rated, learned from its database, activated, chosen otherwise."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
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
from tests.integration.postgres_server import postgres_server
from tests.integration.service_process import logged, started
from tests.scripted_answers import ScriptedAnswers
from tests.unit.scorer.rollout.samples import activated

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Connect
    from tests.integration.postgres_server import PostgresServer


TIMEOUT_S = 120
QUERY = "How many legs has spider number {}?"
ASKED = 60
EXPLORED = 0.5


def best_and_worst() -> tuple[str, str]:
    """Returns the models of the shipped artifact that it ranks first and last for the queries."""
    runtime = Runtime.open(load_artifact(default_artifact_path()), intra_op_threads=1)
    scores = runtime.score([runtime.tokenize(QUERY.format(n)) for n in range(5)]).mean(axis=0)
    return runtime.model_ids[scores.argmax()], runtime.model_ids[scores.argmin()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A link, its scorer, a router, a gateway and their database."""

    link: Path
    dsn_file: Path
    server: PostgresServer
    scorer: asyncio.subprocess.Process
    router: RouterServiceStub
    url: str

    async def chosen(self, number: int, share: float) -> tuple[str, str]:
        """Asks the router; returns the id of the decision and the model that answered."""
        message = model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY.format(number))
        request = GenerateAnswerRequest(messages=[message])
        request.policy.exploration_share = share
        answer = await self.router.GenerateAnswer(request, timeout=TIMEOUT_S)
        return answer.decision_id, answer.answer.model_id

    async def ask_router(self, number: int, good: str) -> None:
        """Asks a question and praises the answer if it is the good model's."""
        decision_id, model_id = await self.chosen(number, EXPLORED)
        feedback = RecordFeedbackRequest(
            decision_id=decision_id,
            feedback_id="1",
            source=FEEDBACK_SOURCE_USER,
            score=float(model_id == good),
        )
        await self.router.RecordFeedback(feedback, timeout=TIMEOUT_S)

    async def ask_gateway(self, session: aiohttp.ClientSession, number: int, good: str) -> None:
        """Does the same over HTTP."""
        question = {"role": "user", "content": QUERY.format(number)}
        body = {"model": "routemoa", "messages": [question]}
        async with session.post(f"{self.url}/v1/chat/completions", json=body) as reply:
            assert reply.status == 200, await reply.text()
            decision_id = reply.headers["x-routemoa-decision-id"]
            model_id = (await reply.json())["choices"][0]["message"]["content"]
        said = {"decision_id": decision_id, "score": float(model_id == good)}
        async with session.post(f"{self.url}/v1/feedback", json=said) as reply:
            assert reply.status == 200, await reply.text()

    async def stored(self, count: int) -> None:
        """Waits until the database has so many decisions with feedback, and the first one."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                try:
                    ((decisions, feedback),) = self.server.rows(
                        "SELECT (SELECT count(*) FROM routemoa_decisions), "
                        "(SELECT count(*) FROM routemoa_feedback)"
                    )
                except psycopg.errors.UndefinedTable:
                    decisions = feedback = 0
                if (decisions, feedback) == (count + 1, count):
                    return
                await asyncio.sleep(0.1)


async def command(*arguments: object) -> None:
    """Runs `python -m scorer`, which has to succeed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scorer", *map(str, arguments)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(TIMEOUT_S):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def start_site(
    stack: AsyncExitStack, folder: Path, server: PostgresServer, connect: Connect, *models: str
) -> Site:
    """Starts the services; each model answers with its own name."""
    link, dsn_file, key_file = activated(folder), folder / "dsn", folder / "key"
    dsn_file.write_text(server.dsn)
    key_file.write_text("a key of the routers")
    scripts = {model: model for model in models}
    simulator = await stack.enter_async_context(running_simulator(ScriptedAnswers(scripts)))
    scorer = await stack.enter_async_context(
        started("scorer", ARTIFACT=str(link), ARTIFACT_RELOAD_INTERVAL_S="0.1")
    )
    router = await stack.enter_async_context(
        started(
            "router",
            POOL_FILE=str(write_pool(folder, simulator.url, scripts, {}, None)),
            SCORER_ADDRESS=str((await logged(scorer, "listening"))["address"]),
            STRATEGY="single",
            POLICY_EXPLORATION_SHARE=str(EXPLORED),
            EXPLORATION_COST_USD_PER_DAY="10",
            DEPENDENCY_TIMEOUT_S="30",
            RECORDS_SINK="postgres",
            RECORDS_POSTGRES_DSN_FILE=str(dsn_file),
            RECORDS_HASH_KEY_FILE=str(key_file),
            RECORDS_KEEP_TEXT="true",
        )
    )
    address = str((await logged(router, "listening"))["address"])
    gateway = await stack.enter_async_context(started("gateway", ROUTER_ADDRESS=address))
    return Site(
        link=link,
        dsn_file=dsn_file,
        server=server,
        scorer=scorer,
        router=RouterServiceStub(connect(address)),
        url=f"http://{(await logged(gateway, 'listening'))['address']}",
    )


@pytest.mark.timeout(600)
async def test_feedback_on_live_answers_changes_what_the_router_chooses(
    tmp_path: Path, connect: Connect
) -> None:
    first, good = best_and_worst()
    async with AsyncExitStack() as stack:
        server = stack.enter_context(postgres_server())
        site = await start_site(stack, tmp_path, server, connect, first, good)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        assert (await site.chosen(ASKED, 0.0))[1] == first
        for number in range(0, ASKED, 2):
            await site.ask_router(number, good)
            await site.ask_gateway(session, number + 1, good)
        await site.stored(ASKED)
        learned = tmp_path / "learned"
        source = (default_artifact_path(), "--postgres-dsn-file", site.dsn_file)
        await command("learn", *source, "--serving", site.link, "--output", learned)
        await command("activate", learned, "--link", site.link)
        await logged(site.scorer, "reloaded")
        assert (await site.chosen(ASKED + 1, 0.0))[1] == good
