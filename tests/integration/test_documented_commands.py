"""Commands and Python of documents, run as a reader would run them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from services.judge.config import JudgeServiceConfig
from services.router.budgets.tenants import Tenant
from services.router.config import RouterServiceConfig
from services.rpc.config import settings_of
from services.scorer.config import ScorerServiceConfig
from tests.clients.program import run
from tests.documents.checker import language_of
from tests.documents.pages import Command, Piece, commands, documents, pieces
from tests.integration.test_cli import up

if TYPE_CHECKING:
    from pathlib import Path

    from services.rpc.config import ServiceConfig

ADDRESS = "127.0.0.1:50052"
"""The router's address in documents."""
SETTINGS: dict[str, type[ServiceConfig]] = {
    "scorer": ScorerServiceConfig,
    "router": RouterServiceConfig,
    "judge": JudgeServiceConfig,
}
ELSEWHERE = {"--tls", "--ca-file"}
"""Options of commands that call services that are not on this machine."""


pytestmark = pytest.mark.asyncio(loop_scope="module")
OF_OTHER_SDKS = re.compile(r"from (openai|anthropic) import|gradio\.")


def blocks(language: str) -> list[Piece]:
    found = [piece for item in documents().items() for piece in pieces(*item)[0]]
    return [piece for piece in found if language_of(piece) == language]


def shown(*beginning: str) -> list[Command]:
    """Returns the commands that begin so, the same ones once."""
    found = [command for block in blocks("sh") for command in commands(block)]
    wanted = {
        str(command): command
        for command in found
        if command.words[: len(beginning)] == beginning
        and not ELSEWHERE.intersection(command.words)
    }
    return list(wanted.values())


@pytest.mark.timeout(300)
async def test_questions_and_python_of_documents_get_answers() -> None:
    async with up() as (_, printed):
        # `up` prints what to do next, with the options for its ports.
        steps = dict(re.findall(r"routemoa (\w+) (--\w+ \S+)", printed))
        router = steps["ask"].split()
        for name in ("ask", "rank", "models"):
            options = [*router, *steps[name].split()]
            found = [command.words[1:] for command in shown("routemoa", name)]
            for words in found or [(name,)]:
                await run(sys.executable, "-m", "routemoa.cli", *words, *options)
        # Those of other SDKs run with them: `make test-sdks`.
        examples = [b.text for b in blocks("python") if not OF_OTHER_SDKS.search(b.text)]
        assert examples
        for example in examples:
            assert ADDRESS in example
            await run(sys.executable, "-c", example.replace(ADDRESS, router[1]))


@pytest.mark.timeout(180)
async def test_documented_commands_that_need_no_service_work() -> None:
    inspections = shown("python", "-m", "scorer", "inspect")
    assert inspections
    for command in inspections:
        await run(sys.executable, *command.words[1:])
    for name, kind in SETTINGS.items():
        required = [field for field, info in settings_of(kind).items() if info.is_required()]
        prefix = kind.model_config.get("env_prefix", "")
        environment = {**os.environ, **{f"{prefix}{field}".upper(): "file" for field in required}}
        program = (sys.executable, "-m", f"services.{name}", "--print-config")
        printed = json.loads(await run(*program, environment=environment))
        assert printed.keys() == settings_of(kind).keys()


async def test_the_documented_way_to_a_token_makes_a_token_and_its_digest(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    [line] = {b.text for b in blocks("sh") if b.text.startswith("openssl rand")}
    printed = await run("bash", "-c", line, folder=tmp_path)
    digest = printed.split()[0]
    token = (tmp_path / "token").read_text().rstrip("\n")
    assert digest == hashlib.sha256(token.encode()).hexdigest()
    assert Tenant(id="reader", token_sha256=(digest,))
