"""`routemoa pool`, as a process, against a simulated pool."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from services.simulator import FaultKind, running_simulator
from tests.integration.conftest import write_pool
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from pathlib import Path

SCRIPTS: Any = {"spider": lambda _call: "Eight.", "fly": lambda _call: "Six."}


async def routemoa_pool(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "routemoa.cli", "pool", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(120):
        output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_a_pool_is_checked_and_shown_as_a_table_and_as_json(tmp_path: Path) -> None:
    async with running_simulator(ScriptedAnswers(SCRIPTS)) as simulator:
        pool = str(write_pool(tmp_path, simulator.url, SCRIPTS, {}, None))
        exit_code, table = await routemoa_pool("check", "--pool", pool)
        assert exit_code == 0, table
        assert "spider" in table
        assert "No problems." in table

        simulator.set_fault("fly", FaultKind.ERROR_500)
        exit_code, output = await routemoa_pool("check", "--pool", pool, "--json")
        assert exit_code == 1
        spider, fly = json.loads(output)["endpoints"]
        assert (spider["status"], fly["status"]) == ("OK", "BACKEND_ERROR")
        assert (spider["model_known"], fly["model_known"]) == (True, True)
        assert fly["problems"] == ["the test call ended as BACKEND_ERROR: 500: simulated failure"]


async def test_a_bad_file_shows_all_its_problems_and_no_endpoint_is_called(
    tmp_path: Path,
) -> None:
    pool = tmp_path / "pool.yaml"
    pool.write_text("models:\n- id: spider\n  url: nowhere\naggregator: 7\n")
    for command in ("check", "validate"):
        exit_code, output = await routemoa_pool(command, "--pool", str(pool))
        assert exit_code == 2
        assert "line 3: models.0.url" in output
        assert "line 4: aggregator" in output
        assert "line 2: models.0.context_window_tokens" in output


async def test_a_good_file_is_validated_without_calling_any_endpoint(tmp_path: Path) -> None:
    pool = write_pool(tmp_path, "http://127.0.0.1:1/v1", SCRIPTS, {}, None)
    exit_code, output = await routemoa_pool("validate", "--pool", str(pool))
    assert exit_code == 0
    assert "No problems." in output
    assert "The scorer does not know 2 of 2 models." in output
    assert "give such a model a `prior_score`" in output
