"""The command line against services that want TLS and a tenant's token."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from services.scorer.config import ScorerServiceConfig
from tests.conftest import LOOPBACK
from tests.integration.certificates import issue
from tests.integration.conftest import ScriptedScorer, scripted_scorer_app
from tests.integration.speakers import speaker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Serve
    from tests.integration.certificates import Certificates
    from tests.integration.conftest import StartRouter

SCORES = {"a": 0.7, "b": 0.65}
TOKEN = "the-token-of-research"
COMMANDS = (
    ("models", "--json"),
    ("ask", "How many legs?", "--json"),
    ("ask", "How many legs?", "--explain"),
    ("rank", "How many legs?", "--explain", "--json"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """A router that wants TLS and a tenant's token, and what a tenant has to reach it."""

    address: str
    files: Certificates
    token_file: Path


@pytest.fixture
async def router(start_router: StartRouter, tmp_path: Path) -> Router:
    tenants_file, token_file = tmp_path / "tenants.yaml", tmp_path / "token"
    digest = sha256(TOKEN.encode()).hexdigest()
    tenants_file.write_text(yaml.safe_dump({"tenants": [{"id": "us", "token_sha256": [digest]}]}))
    token_file.write_text(f"{TOKEN}\n")
    files = issue(tmp_path / "tls")
    started = await start_router(
        dict.fromkeys(SCORES, speaker),
        SCORES,
        tenants_file=tenants_file,
        tls_certificate_file=files.certificate,
        tls_key_file=files.key,
        tls_client_ca_file=files.ca,
    )
    return Router(address=started.address, files=files, token_file=token_file)


async def command(*arguments: str | Path, **environment: str | Path) -> tuple[int, str, str]:
    """Returns exit code, output and errors of a command."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "routemoa.cli", *map(str, arguments)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {name: str(value) for name, value in environment.items()},
    )
    async with asyncio.timeout(120):
        output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


def shown_by(files: Certificates) -> tuple[str | Path, ...]:
    options = ("--ca-file", files.ca, "--certificate-file", files.certificate)
    return (*options, "--key-file", files.key)


@pytest.mark.parametrize("arguments", COMMANDS)
async def test_every_command_that_asks_the_router_reaches_it(
    router: Router, arguments: tuple[str, ...]
) -> None:
    where = ("--router", router.address, "--token-file", router.token_file)
    done = await command(*arguments, *where, *shown_by(router.files))
    assert (done[0], done[2]) == (0, "")


async def test_everything_can_be_said_by_the_environment(router: Router) -> None:
    environment: dict[str, Any] = {
        "ROUTEMOA_ROUTER": router.address,
        "ROUTEMOA_TOKEN": TOKEN,
        "ROUTEMOA_CA_FILE": router.files.ca,
        "ROUTEMOA_CERTIFICATE_FILE": router.files.certificate,
        "ROUTEMOA_KEY_FILE": router.files.key,
    }
    exit_code, output, errors = await command("models", "--json", **environment)
    assert (exit_code, errors) == (0, "")
    assert [model["model_id"] for model in json.loads(output)["models"]] == list(SCORES)


async def test_a_wrong_token_gets_a_hint(router: Router) -> None:
    where = ("--router", router.address, *shown_by(router.files))
    exit_code, output, _ = await command("models", "--json", *where, ROUTEMOA_TOKEN="another")
    error = json.loads(output)["error"]
    assert exit_code == 1
    assert error["reason"] == "ERROR_REASON_UNKNOWN_TENANT"
    assert "--token-file" in error["hint"]
    assert "another" not in output


@pytest.mark.parametrize("options", [(), ("--ca-file", "other")])
async def test_a_failed_tls_handshake_gets_a_hint(
    router: Router, tmp_path: Path, options: tuple[str, ...]
) -> None:
    other = issue(tmp_path / "other")
    given = [other.ca if part == "other" else part for part in options]
    exit_code, _, errors = await command("models", "--router", router.address, *given)
    assert exit_code == 1
    assert "--ca-file" in errors


async def test_the_scorer_is_reached_too(serve: Serve, tmp_path: Path) -> None:
    files = issue(tmp_path)
    config = ScorerServiceConfig(
        listen_address=LOOPBACK, tls_certificate_file=files.certificate, tls_key_file=files.key
    )
    address = await serve(config, scripted_scorer_app(ScriptedScorer(SCORES)))
    done = await command("rank", "why?", "--scorer", address, "--ca-file", files.ca)
    assert (done[0], done[2]) == (0, "")


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        ((), {"ROUTEMOA_TOKEN": TOKEN}),
        (("--token-file", "token"), {}),
        (("--certificate-file", "token"), {}),
        (("--tls", "--key-file", "token"), {}),
        (("--ca-file", "no-such-file"), {}),
    ],
)
async def test_what_cannot_be_used_together_is_refused_before_any_call(
    options: tuple[str, ...], environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    given = [str(tmp_path / part) if part == "token" else part for part in options]
    exit_code, output, errors = await command("models", *given, **environment)
    assert (exit_code, output) == (2, "")
    assert TOKEN not in errors
    assert "Traceback" not in errors
