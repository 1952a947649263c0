"""Small real models, served by llama.cpp, and the whole system on them; see `make test-models`."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
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
    from collections.abc import AsyncIterator, Iterator, Sequence

    from services.local.real_pool import RealModel, Served

ENVIRONMENT = os.environ.get("ROUTEMOA_MODELS")
REPORT = os.environ.get("ROUTEMOA_MODELS_REPORT", "build/reports/models.md")
MAX_REPLY_TOKENS = 48
"""Short, since a busy core writes few tokens a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The router's address, and the servers behind it."""

    address: str
    instruct: tuple[Served, ...]
    """The replicas of the instruct model."""
    base: Served | None

    @property
    def servers(self) -> tuple[Served, ...]:
        """The server of each model."""
        return (self.instruct[0], *([self.base] if self.base else []))


@pytest.fixture(scope="session")
def report() -> Iterator[Report]:
    """The report, written when all tests have run."""
    report = Report()
    yield report
    report.write(Path(REPORT))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """The services, with one server of each model."""
    async with running_system(REAL_MODELS, tmp_path_factory.mktemp("pool")) as system:
        yield system


@asynccontextmanager
async def running_system(models: Sequence[RealModel], folder: Path) -> AsyncIterator[System]:
    """Runs the services and a server of each model; several of one model are its replicas."""
    if ENVIRONMENT is None:
        pytest.skip("ROUTEMOA_MODELS is not set: see make test-models")
    async with serving(Path(ENVIRONMENT), models, threads=1) as servers:
        instruct = tuple(server for server in servers if not server.model.is_base)
        base = next((server for server in servers if server.model.is_base), None)
        document = pool_document([instruct[0], *([base] if base else [])])
        for model in document["models"]:
            model["max_reply_tokens"] = MAX_REPLY_TOKENS
        del document["models"][0]["url"]
        document["models"][0]["endpoints"] = [server.url for server in instruct]
        pool_file = folder / "pool.yaml"
        pool_file.write_text(yaml.safe_dump(document))
        async with running_stack(StackConfig(pool_file=pool_file)) as stack:
            yield System(address=stack.router_address, instruct=instruct, base=base)
