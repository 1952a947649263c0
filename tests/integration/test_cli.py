"""The command line and its stack, as processes: everything that a person does with them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from routemoa import RouteMoAClient
from routemoa.cli.failures import StackError
from services.local.demo import QUESTIONS
from services.local.stack import StackConfig, running_stack
from tests.processes import all_ended
from tests.proxies import SILENT_PROXY

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from services.local.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERY = QUESTIONS[0].text
UNPACED = StackConfig(simulator_arguments=("--simulated",))
FREE_PORTS = [
    part
    for name in ("scorer", "judge", "router", "gateway", "simulator")
    for part in (f"--{name}-port", "0")
]
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Exit code and output of a command."""

    exit_code: int
    output: str
    errors: str


async def start(*arguments: str) -> Process:
    """Starts a command, in a plain environment."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "routemoa.cli", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finish(process: Process, stdin: bytes | None = None) -> Ended:
    """Waits for a command's end."""
    async with asyncio.timeout(TIMEOUT_S):
        output, errors = await process.communicate(stdin)
    return Ended(exit_code=process.returncode or 0, output=output.decode(), errors=errors.decode())


async def command(*arguments: str, stdin: bytes | None = None) -> Ended:
    """Runs a command to its end."""
    return await finish(await start(*arguments), stdin)


@asynccontextmanager
async def up(*arguments: str) -> AsyncIterator[tuple[Process, str]]:
    """Runs `up` on free ports, and gives what it prints once it is ready."""
    process = await start("up", *FREE_PORTS, *arguments)
    assert process.stdout is not None
    try:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                shown = await process.stdout.readuntil(b"Ctrl-C")
        except asyncio.IncompleteReadError as end:
            _, errors = await process.communicate()
            pytest.fail(f"up ended early: {end.partial.decode()}{errors.decode()}")
        yield process, shown.decode()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def lives(pid: int) -> bool:
    """Returns whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def kept_logs(folder: Path) -> list[str]:
    """Returns the names of the logs that stacks have left in the folder for temporary files."""
    return sorted(log_file.name for log_file in folder.glob("routemoa-*/*.log"))


@pytest.fixture(autouse=True)
def _logs_go_with_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack that fails keeps its logs, here and in the processes started from here."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    """The whole system with a simulated pool, started once: no test changes it."""
    async with running_stack(UNPACED) as running:
        yield running


async def test_the_demo_answers_every_question_and_leaves_with_0() -> None:
    demo = await command("demo")
    assert (demo.exit_code, demo.errors) == (0, "")
    assert "SIMULATED POOL" in demo.output
    assert all(question.text in demo.output for question in QUESTIONS)
    assert f"{len(QUESTIONS)} of {len(QUESTIONS)}" in demo.output
    assert "failed" not in demo.output


async def chat_completion(shown: str, question: str) -> str:
    """Asks the API that the output of `up` names."""
    url = re.search(r"export OPENAI_BASE_URL=(\S+)", shown)
    assert url is not None
    body = {"model": "routemoa", "messages": [{"role": "user", "content": question}]}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url[1]}/chat/completions", json=body) as response,
    ):
        return str((await response.json())["choices"][0]["message"]["content"])


async def test_beside_a_proxy_that_does_not_answer_all_services_reach_one_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in SILENT_PROXY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ROUTEMOA_ROUTER_DEPENDENCY_TIMEOUT_S", "30")
    async with up() as (_, shown):
        router = re.search(r"ask --router (\S+)", shown)
        assert router is not None
        answer = await command("ask", "--router", router[1], "--json", QUERY)
        proxied = await command("models", "--router", router[1], "--proxy", "--timeout", "2")
    assert (answer.exit_code, answer.errors) == (0, "")
    assert proxied.exit_code != 0
    assert json.loads(answer.output)["fallbacks"] == []  # neither for the scorer nor for the judge


async def test_up_serves_until_it_is_interrupted_and_leaves_nothing_behind() -> None:
    async with up() as (process, shown):
        assert "SIMULATED POOL" in shown
        pids = [int(pid) for pid in re.findall(r"pid (\d+)", shown)]
        router = re.search(r"ask --router (\S+)", shown)
        assert router is not None
        answer = await command("ask", "--router", router[1], "--quiet", QUERY)
        chat = await chat_completion(shown, QUERY)
        process.send_signal(signal.SIGINT)
        ended = await finish(process)

    assert answer.output.startswith("It is 5050")
    assert chat.startswith("It is 5050")
    assert ended.exit_code == 130
    assert ended.errors == ""
    assert len(pids) == 5
    assert not any(lives(pid) for pid in pids)


async def test_up_ends_when_a_process_dies_and_shows_its_log() -> None:
    async with up() as (process, shown):
        pids = {name: int(pid) for name, pid in re.findall(r"(\w+) +\S+ +pid (\d+)", shown)}
        os.kill(pids["judge"], signal.SIGKILL)
        ended = await finish(process)

    assert ended.exit_code == 1
    assert "judge ended with exit code -9" in ended.errors
    assert "JudgeService" in ended.errors
    assert not any(lives(pid) for pid in pids.values())


async def test_nothing_of_up_outlives_it_when_it_is_killed() -> None:
    async with up() as (process, shown):
        pids = [int(pid) for pid in re.findall(r"pid (\d+)", shown)]
        process.kill()
        await all_ended(pids, timeout_s=TIMEOUT_S)
    assert len(pids) == 5


async def test_up_shows_every_problem_of_a_pool_file(tmp_path: Path) -> None:
    pool_file = tmp_path / "pool.yaml"
    pool_file.write_text("models:\n  - id: a\n    url: no-url\n  - id: a\n    url: http://x/v1\n")
    ended = await command("up", *FREE_PORTS, "--pool", str(pool_file))
    assert ended.exit_code == 1
    assert "router ended with exit code 2" in ended.errors
    assert "line 3: models.0.url" in ended.errors
    assert "line 4: models.1.context_window_tokens" in ended.errors
    assert "Traceback" not in ended.errors


async def test_a_taken_port_is_named_with_the_option_that_changes_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=f"port {port} is taken.*--judge-port"):
            async with running_stack(StackConfig(judge_port=port)):
                pass


async def test_a_service_that_cannot_start_shows_its_own_message(tmp_path: Path) -> None:
    config = StackConfig(environment={"ROUTEMOA_JUDGE_CROSS_WEIGHT": "heavy"})
    with pytest.raises(StackError, match=r"(?s)judge ended with exit code 2.*CROSS_WEIGHT"):
        async with running_stack(config):
            pass

    assert kept_logs(tmp_path) == [
        "gateway.log",
        "judge.log",
        "pool.log",
        "router.log",
        "scorer.log",
        "simulator.log",
    ]


async def test_a_stack_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(StackError, match=r"was not ready within 0\.01 s"):
        async with running_stack(StackConfig(start_timeout_s=0.01, pool_file=Path("pool.yaml"))):
            pass


async def test_an_error_inside_the_block_comes_out_and_everything_stops(tmp_path: Path) -> None:
    pids: list[int] = []

    async def fail_on_a_running_stack() -> None:
        async with running_stack(UNPACED) as stack:
            pids.extend(stack.pids.values())
            raise LookupError("of the caller's own")

    with pytest.raises(LookupError, match="of the caller's own"):
        await fail_on_a_running_stack()
    assert len(pids) == 5
    assert not any(lives(pid) for pid in pids)
    assert kept_logs(tmp_path) == []


async def test_the_client_reaches_all_three_services(stack: Stack) -> None:
    async with RouteMoAClient(
        stack.router_address, scorer=stack.scorer_address, judge=stack.judge_address
    ) as client:
        pool = {model.model_id for model in await client.models()}
        ranking = await client.rank(QUERY, sorted(pool))
        info = await client.scorer_info()
        result = await client.answer(QUERY)
        layer = result.layers[0]
        assessed = await client.assess(layer.answers, ranking.model_scores, query=QUERY)

    assert pool <= set(info.model_ids)  # the shipped scorer knows the whole simulated pool
    assert {score.model_id for score in ranking.model_scores} == pool
    assert list(assessed.assessments) == list(layer.assessments)
    assert not result.fallbacks


async def test_ask_shows_the_answer_of_the_real_services(stack: Stack) -> None:
    ended = await command("ask", "--router", stack.router_address, "-", stdin=QUERY.encode())
    assert (ended.exit_code, ended.errors) == (0, "")
    assert "It is 5050" in ended.output
    assert re.search(r"cost +\$0\.\d{6} for \d calls?", ended.output)
    assert "@@" not in ended.output


async def test_json_is_one_object_for_every_command(stack: Stack) -> None:
    router, scorer = ("--router", stack.router_address), ("--scorer", stack.scorer_address)
    asked = json.loads((await command("ask", *router, "--json", QUERY)).output)
    ranked = json.loads((await command("rank", *scorer, "--json", QUERY)).output)
    listed = json.loads((await command("models", *router, "--json")).output)
    assert asked["answer"]["text"].startswith("It is 5050")
    assert len(listed["models"]) == 8
    assert {m["model_id"] for m in listed["models"]} <= {
        s["model_id"] for s in ranked["model_scores"]
    }


async def test_bad_input_lists_every_violation_and_leaves_with_2(stack: Stack) -> None:
    router = ("--router", stack.router_address)
    ended = await command("ask", *router, "--max-layers", "9", "--usd-per-right-answer", "0", " ")
    assert (ended.exit_code, ended.output) == (2, "")
    for field in ("policy.max_layer_count", "policy.usd_per_right_answer", "messages[0].content"):
        assert field in ended.errors
    as_json = await command("ask", *router, "--json", "--model", "nobody", QUERY)
    assert (as_json.exit_code, as_json.errors) == (2, "")
    assert json.loads(as_json.output)["error"]["reason"] == "ERROR_REASON_MODEL_NOT_FOUND"


async def test_ask_takes_a_strategy_and_says_which_one_answered(stack: Stack) -> None:
    asked = ("ask", "--router", stack.router_address, "--strategy")
    single = json.loads((await command(*asked, "single", "--json", QUERY)).output)
    assert single["strategy"] == "single"
    assert len(single["usage"]) == 1
    shown = await command(*asked, "moa", "--preset", "large-pool", QUERY)
    assert re.search(r"strategy +moa", shown.output)
    unknown = await command(*asked, "guess", QUERY)
    assert unknown.exit_code
    assert "routemoa, " in unknown.errors


@pytest.mark.parametrize("name", ["ask", "rank"])
async def test_nobody_there_says_how_to_start(name: str) -> None:
    option = "--scorer" if name == "rank" else "--router"
    ended = await command(name, option, "127.0.0.1:1", QUERY)
    assert (ended.exit_code, ended.output) == (1, "")
    assert "nothing answers at 127.0.0.1:1" in ended.errors
    assert "routemoa up" in ended.errors
