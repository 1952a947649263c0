"""A service as a process of its own."""

from __future__ import annotations

import subprocess
import sys

SERVICE = """
import asyncio, gc, os, signal
from contextlib import asynccontextmanager
from services.judge.config import JudgeServiceConfig
from services.rpc.server import run_until_signal

@asynccontextmanager
async def serving():
    print(len(gc.get_objects()))
    os.kill(os.getpid(), signal.SIGTERM)
    yield

print(len(gc.get_objects()))
config = JudgeServiceConfig(listen_address="127.0.0.1:0", metrics_port=None)
asyncio.run(run_until_signal(config, serving()))
"""


def test_a_garbage_collection_leaves_out_what_was_imported() -> None:
    ended = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", SERVICE], capture_output=True, text=True, timeout=60, check=True
    )
    imported, walked = map(int, ended.stdout.split())
    assert walked < imported / 20
