"""Other projects' routers: what to install, and how to start one before a backend.

`python -m tests.bench.peers.routers FOLDER` makes their virtual environments below FOLDER with `uv`.
"""

from __future__ import annotations

import argparse
import json
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.local.stack import free_port
from tests.bench.backend import MODELS
from tests.bench.environments import make_environment
from tests.bench.processes import server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One router, as it is installed and named."""

    name: str
    package: str
    """The pin that was measured."""
    python: str

    def home(self, folder: Path) -> Path:
        """Returns its virtual environment below `folder`."""
        return folder / self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningPeer:
    """A peer that answers."""

    pid: int
    url: str
    """Its OpenAI-compatible base URL."""
    headers: Mapping[str, str]


LITELLM = Peer(name="litellm", package="litellm[proxy]==1.106.2", python="3.11")
VLLM_ROUTER = Peer(name="vllm-router", package="vllm-router==0.1.17", python="3.12")
SGLANG_ROUTER = Peer(name="sglang-router", package="sglang-router==0.3.2", python="3.12")
PEERS = (LITELLM, VLLM_ROUTER, SGLANG_ROUTER)


@asynccontextmanager
async def running_peer(peer: Peer, folder: Path, backend_url: str) -> AsyncIterator[RunningPeer]:
    """Runs a peer with one worker before the backend at `backend_url` (with its /v1).

    Raises:
        RuntimeError: It did not start.
    """
    port = free_port()
    key = f"sk-{secrets.token_hex(16)}"  # LiteLLM refuses to start without one
    command = _command(peer, folder, backend_url, port, key)
    url = f"http://{_HOST}:{port}"
    ready = f"{url}/health/liveliness" if peer is LITELLM else f"{url}/health"
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MASTER_KEY": key}
    async with server(command, ready_url=ready, environment=environment) as pid:
        headers = {"Authorization": f"Bearer {key}"} if peer is LITELLM else {}
        yield RunningPeer(pid=pid, url=f"{url}/v1", headers=headers)


def _command(peer: Peer, folder: Path, backend_url: str, port: int, key: str) -> Sequence[str]:
    programs = peer.home(folder) / "bin"
    if peer is LITELLM:
        config = folder / "litellm.json"  # YAML, too
        config.write_text(json.dumps(_litellm_config(backend_url, key)), encoding="utf-8")
        options = ["--config", str(config), "--host", _HOST, "--num_workers", "1"]
        return [str(programs / "litellm"), *options, "--port", str(port)]
    launch = ["launch"] if peer is SGLANG_ROUTER else []
    options = ["--worker-urls", backend_url.removesuffix("/v1"), "--policy", "round_robin"]
    options += ["--host", _HOST, "--port", str(port), "--prometheus-port", str(free_port())]
    return [str(programs / peer.name), *launch, *options]


def _litellm_config(backend_url: str, key: str) -> Mapping[str, object]:
    parameters = {"model": f"openai/{MODELS[0]}", "api_base": backend_url, "api_key": "none"}
    return {
        "model_list": [{"model_name": MODELS[0], "litellm_params": parameters}],
        "general_settings": {"master_key": key},
    }


def install(folder: Path) -> None:
    """Makes the environments that are missing; see `make_environment`."""
    for peer in PEERS:
        make_environment(peer.home(folder), python=peer.python, packages=(peer.package,))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    install(parser.parse_args().folder)
