"""Every server that is compared: how it is started and how it is asked."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
import grpc.aio

from routemoa.v1.scorer_service_pb2 import BatchRankModelsRequest, RankModelsRequest
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from tests.bench.scorer_peers.servers.model import ARTIFACT_VARIABLE, THREADS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

Ask = Callable[[str], Awaitable[object]]
SERVERS = "tests.bench.scorer_peers.servers"
BULK = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One server, asked in one way."""

    name: str
    command: Sequence[str]
    """With `{port}` where the port goes."""
    settings: dict[str, str]
    connect: Callable[[int], AbstractAsyncContextManager[Ask]]
    queries_per_ask: int = 1


def contenders(environments: Path, artifact: Path) -> list[Contender]:
    """Returns ours and every peer whose environment is there, to serve the same artifact."""
    theirs = {ARTIFACT_VARIABLE: str(artifact)}
    ours = {
        **theirs,
        "ROUTEMOA_SCORER_LISTEN_ADDRESS": "127.0.0.1:{port}",
        "ROUTEMOA_SCORER_CACHE_QUERIES": "0",
        "ROUTEMOA_SCORER_INTRA_OP_THREADS": str(THREADS),
    }
    scorer = (sys.executable, "-m", "services.scorer")
    found = [
        Contender(name="RankModels", command=scorer, settings=ours, connect=_unary),
        Contender(
            name=f"BatchRankModels of {BULK}",
            command=scorer,
            settings=ours,
            connect=_bulk,
            queries_per_ask=BULK,
        ),
    ]
    for name, (path, body) in _PEERS.items():
        python = environments / name / "bin/python"
        if not python.exists():
            continue
        command = (str(python), "-m", f"{SERVERS}.with_{name}", "--port", "{port}")
        if name == "bentoml":
            bento = str(python.with_name("bentoml"))
            command = (bento, "serve", f"{SERVERS}.with_bentoml:Scores", "--port", "{port}")
        connect = partial(_http, path=path, body=body)
        found.append(Contender(name=name, command=command, settings=theirs, connect=connect))
    return found


@asynccontextmanager
async def _unary(port: int) -> AsyncIterator[Ask]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = ScorerServiceStub(channel)

        async def ask(text: str) -> None:
            response = await stub.RankModels(RankModelsRequest(query=text))
            assert response.model_scores

        yield ask


@asynccontextmanager
async def _bulk(port: int) -> AsyncIterator[Ask]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = ScorerServiceStub(channel)

        async def ask(text: str) -> None:
            request = BatchRankModelsRequest(requests=[RankModelsRequest(query=text)] * BULK)
            response = await stub.BatchRankModels(request)
            assert len(response.responses) == BULK

        yield ask


@asynccontextmanager
async def _http(
    port: int, *, path: str, body: Callable[[str], dict[str, object]]
) -> AsyncIterator[Ask]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector) as session:

        async def ask(text: str) -> None:
            async with session.post(path, json=body(text)) as response:
                assert response.status == 200, response.status
                await response.read()

        yield ask


def _kserve(text: str) -> dict[str, object]:
    query = {"name": "query", "datatype": "BYTES", "shape": [1, 1], "data": [text]}
    return {"inputs": [query]}


_PEERS: dict[str, tuple[str, Callable[[str], dict[str, object]]]] = {
    "mosec": ("/inference", lambda text: {"query": text}),
    "litserve": ("/predict", lambda text: {"query": text}),
    "bentoml": ("/score", lambda text: {"queries": [text]}),
    # Over HTTP, which is a little faster than its gRPC.
    "triton": ("/v2/models/scores/infer", _kserve),
}
