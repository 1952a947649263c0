"""`python -m services.simulator` as a process: it serves, stops on SIGTERM and names what is wrong."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE
from typing import TYPE_CHECKING

import aiohttp
import pytest
import yaml

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from pathlib import Path


async def start(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.simulator", *arguments, stdout=PIPE, stderr=PIPE
    )


async def ending_of(*arguments: str) -> tuple[int, str, str]:
    process = await start(*arguments)
    output, errors = await process.communicate()
    return await process.wait(), output.decode(), errors.decode()


async def test_recorded_answers_are_served_until_sigterm(tmp_path: Path) -> None:
    records = tmp_path / "test.jsonl"
    records.write_text(json.dumps({"id": "1", "query": "Q?", "responses": {"a/b": "A, recorded."}}))
    process = await start("--port", "0", "--records", str(records), "--fault", "a/b=error_500")
    try:
        assert process.stderr is not None
        announcement = (await process.stderr.readline()).decode()
        url = re.search(r"http://\S+", announcement)
        assert url is not None, announcement
        body = {"model": "a/b", "messages": [{"role": "user", "content": "Q?"}]}
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url[0]}/chat/completions", json=body) as response:
                assert response.status == 500
            await session.delete(url[0].replace("/v1", "/faults/a/b"))
            async with session.post(f"{url[0]}/chat/completions", json=body) as response:
                reply = await response.json()
        assert reply["choices"][0]["message"]["content"] == "A, recorded."
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_the_simulated_pool_is_printed() -> None:
    code, output, _ = await ending_of("pool", "--url", "http://127.0.0.1:9")
    assert code == 0
    assert yaml.safe_load(output)["models"][0]["url"] == "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "either --simulated or --records"),
        (("--simulated", "--records", "x"), "either --simulated or --records"),
        (("--records", "absent.jsonl"), "absent.jsonl"),
        (("--simulated", "--fault", "m"), "not MODEL=KIND"),
        (("--simulated", "--fault", "m=explode"), "not MODEL=KIND"),
        (("--simulated", "--port", "0", "--fault", "m=hang"), "no model 'm'"),
        (("--simulated", "--tokens-per-second", "-1"), "zero or more"),
    ],
)
async def test_bad_arguments_are_named_and_end_with_2(
    arguments: tuple[str, ...], complaint: str
) -> None:
    code, _, errors = await ending_of(*arguments)
    assert code == 2
    assert complaint in errors
    assert "Traceback" not in errors
