"""Small real models, served by llama.cpp, and the whole system on them; see `make test-models`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import yaml

from services.local.real_pool import REAL_MODELS, pool_document, serving
from services.local.stack import StackConfig, running_stack
from tests.wire.models.report import Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from services.local.real_pool import Served

ENVIRONMENT = os.environ.get("ROUTEMOA_MODELS")
REPORT = os.environ.get("ROUTEMOA_MODELS_REPORT", "build/reports/models.md")
MAX_REPLY_TOKENS = 48
"""Short, since a busy core writes few tokens a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The router's address, and the servers behind it."""

    address: str
    replicas: tuple[Served, Served]
    """Two servers of the instruct model, of which tests may kill the first."""
    base: Served


@pytest.fixture(scope="session")
def report() -> Iterator[Report]:
    """The report, written when all tests have run."""
    report = Report()
    yield report
    report.write(Path(REPORT))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """The services, with one model on two replicas and another on one."""
    if ENVIRONMENT is None:
        pytest.skip("ROUTEMOA_MODELS is not set: see make test-models")
    instruct, base = REAL_MODELS
    async with serving(Path(ENVIRONMENT), [instruct, instruct, base], threads=1) as servers:
        first, second, third = servers
        document = pool_document([first, third])
        for model in document["models"]:
            model["max_reply_tokens"] = MAX_REPLY_TOKENS
        del document["models"][0]["url"]
        document["models"][0]["endpoints"] = [first.url, second.url]
        pool_file = tmp_path_factory.mktemp("pool") / "pool.yaml"
        pool_file.write_text(yaml.safe_dump(document))
        async with running_stack(StackConfig(pool_file=pool_file)) as stack:
            yield System(address=stack.router_address, replicas=(first, second), base=third)
