"""The scorer service, telling in its metrics what could grow: `python -m tests.load.watched_scorer`.

Memory and descriptors are there already; this adds the tasks of the event loop and the threads.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvloop
from prometheus_client import Gauge

from services.rpc.config import load_config
from services.rpc.server import serve
from services.scorer.app import scorer_app
from services.scorer.config import ScorerServiceConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.rpc.server import Service

TASKS = Gauge("watched_tasks", "Tasks of the event loop.")
THREADS = Gauge("watched_threads", "Threads that Python knows.")


@asynccontextmanager
async def watched_app(config: ScorerServiceConfig) -> AsyncIterator[Service]:
    """Yields the scorer and counts what runs beside it."""
    loop = asyncio.get_running_loop()
    TASKS.set_function(lambda: len(asyncio.all_tasks(loop)))
    THREADS.set_function(threading.active_count)
    async with scorer_app(config) as service:
        yield service


if __name__ == "__main__":
    settings = load_config(ScorerServiceConfig, sys.argv[1:])
    uvloop.run(serve(settings, watched_app(settings)))
