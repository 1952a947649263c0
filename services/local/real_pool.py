"""A pool of two small real models on this machine: servers of llama.cpp, and their pool file."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from routemoa.cli.failures import StackError
from services.local.process import HOST, Child, launch_command, log_tail
from services.local.stack import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


SERVER = Path(__file__).with_name("llama_server.py")
CONTEXT_TOKENS = 4096
START_TIMEOUT_S = 300.0
_POLL_INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class RealModel:
    """A model that `make models` installs."""

    id: str
    file: str
    prior_score: float
    """Its share of right answers to easy questions, roughly."""
    max_reply_tokens: int
    is_base: bool = False
    """True if it has no chat template."""
    parallel: int = 2
    """Requests that it serves at a time."""


REAL_MODELS = (
    RealModel(
        id="SmolLM2-135M-Instruct",
        file="smollm2-135m-instruct.gguf",
        prior_score=0.55,
        max_reply_tokens=256,
    ),
    RealModel(
        id="gemma-3-270m",
        file="gemma-3-270m.gguf",
        prior_score=0.5,
        max_reply_tokens=64,
        is_base=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model and the server that serves it."""

    model: RealModel
    child: Child

    @property
    def url(self) -> str:
        """The base URL of its API."""
        return f"http://{self.child.address}/v1"


@asynccontextmanager
async def serving(
    environment: Path, models: Sequence[RealModel] = REAL_MODELS, *, threads: int | None = None
) -> AsyncIterator[tuple[Served, ...]]:
    """Serves real models while the context is open; a model may stand there more than once.

    Args:
        environment: The virtual environment that `make models` made.
        models: The models, each of which gets a server of its own.
        threads: Threads of each server; None for half of the machine's cores.

    Raises:
        StackError: The environment lacks something, or a server does not start.
    """
    _check(environment, models)
    folder = Path(tempfile.mkdtemp(prefix="routemoa-models-"))
    try:
        async with AsyncExitStack() as exits:
            servers = [
                await _serve(exits, environment, model, folder / f"{number}.log", threads)
                for number, model in enumerate(models)
            ]
            await _wait_until_ready(servers)
            yield tuple(servers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def real_pool(environment: Path) -> AsyncIterator[Path]:
    """Serves the real models while the context is open, and yields their pool file.

    Raises:
        StackError: The environment lacks something, or a server does not start.
    """
    async with serving(environment) as servers:
        with tempfile.TemporaryDirectory(prefix="routemoa-pool-") as folder:
            pool_file = Path(folder) / "pool.yaml"
            pool_file.write_text(yaml.safe_dump(pool_document(servers), sort_keys=False))
            yield pool_file


def pool_document(servers: Sequence[Served]) -> dict[str, list[dict[str, Any]]]:
    """Returns a pool file of the servers. The prices are made up: power is all that they cost."""
    return {
        "models": [
            {
                "id": server.model.id,
                "backend": "llama.cpp",
                "url": server.url,
                "prior_score": server.model.prior_score,
                "prompt_price_usd_per_million_tokens": 0.01,
                "completion_price_usd_per_million_tokens": 0.02,
                "context_window_tokens": CONTEXT_TOKENS,
                "max_reply_tokens": server.model.max_reply_tokens,
            }
            for server in servers
        ]
    }


def _check(environment: Path, models: Sequence[RealModel]) -> None:
    files = [environment / "bin/python", *(environment / "models" / m.file for m in models)]
    missing = next((file for file in files if not file.exists()), None)
    if missing is not None:
        raise StackError(
            f"{missing} is missing: `make models` installs the real models into .venv-models"
        )


async def _serve(
    exits: AsyncExitStack, environment: Path, model: RealModel, log_file: Path, threads: int | None
) -> Served:
    port = free_port()
    arguments = [
        *(str(environment / "models" / model.file), "--port", str(port), "--name", model.id),
        *("--context-tokens", str(CONTEXT_TOKENS), "--parallel", str(model.parallel)),
        *(["--threads", str(threads)] if threads is not None else []),
        *(["--base"] if model.is_base else []),
    ]
    process = await launch_command(
        exits,
        [str(environment / "bin/python"), str(SERVER), *arguments],
        environment={"PYTHONPATH": "", "PYTHONSAFEPATH": "1"},
        log_file=log_file,
    )
    child = Child(name=model.id, port=port, process=process, log_file=log_file)
    return Served(model=model, child=child)


async def _wait_until_ready(servers: Sequence[Served]) -> None:
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            for server in servers:
                while not await _is_ready(server.child):
                    if server.child.ended:
                        raise server.child.failure()
                    await asyncio.sleep(_POLL_INTERVAL_S)
    except TimeoutError:
        text = f"{server.model.id} was not ready within {START_TIMEOUT_S:g} s:"
        raise StackError(f"{text}\n{log_tail(server.child.log_file)}") from None


async def _is_ready(child: Child) -> bool:
    """Returns whether a server has loaded its model: it answers 503 before."""
    try:
        reader, writer = await asyncio.open_connection(HOST, child.port)
    except OSError:
        return False
    try:
        writer.write(f"GET /health HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        status = await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()
    return b" 200 " in status
