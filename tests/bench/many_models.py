"""A pool of many models, and a scorer that ranks them at no cost of the router's."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc.aio

from routemoa.v1 import scorer_service_pb2, scorer_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from services.rpc.interceptors.call import Context

_TEAM = 3


def model_ids(count: int) -> list[str]:
    """Returns the ids of so many models."""
    return [f"maker-{number % 37}/model-{number}-instruct" for number in range(count)]


def write_pool(path: Path, ids: Sequence[str], url: str) -> None:
    """Writes a pool whose models differ in price, speed and length of their replies."""
    draw = random.Random(1)  # a fixed seed
    models = [
        f"  - id: {model_id}\n    url: {url}\n    context_window_tokens: 32768\n"
        f"    prompt_price_usd_per_million_tokens: {draw.uniform(0.05, 3):.3f}\n"
        f"    completion_price_usd_per_million_tokens: {draw.uniform(0.2, 15):.3f}\n"
        f"    median_latency_s: {draw.uniform(1, 20):.2f}\n"
        f"    expected_reply_tokens: {draw.randint(100, 900)}\n"
        for model_id in ids
    ]
    path.write_text("models:\n" + "".join(models))


class ManyModelsScorer(scorer_service_pb2_grpc.ScorerServiceServicer):
    """Ranks models by scores that differ from query to query.

    Args:
        ids: The models that it knows.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids

    async def RankModels(
        self, request: scorer_service_pb2.RankModelsRequest, context: Context
    ) -> scorer_service_pb2.RankModelsResponse:
        """Ranks the models that the request names."""
        del context
        draw = random.Random(request.query)
        wanted = list(request.model_ids) or self._ids
        scores = sorted((draw.uniform(0.3, 0.9) for _ in wanted), reverse=True)
        ranked = draw.sample(wanted, len(wanted))
        response = scorer_service_pb2.RankModelsResponse(
            scorer_version="many", uncertainty=0.2, team_model_ids=ranked[:_TEAM]
        )
        for model_id, score in zip(ranked, scores, strict=True):
            response.model_scores.add(model_id=model_id, score=score)
        return response


@asynccontextmanager
async def running_scorer(ids: Sequence[str]) -> AsyncIterator[str]:
    """Serves the scorer in this process; yields its address."""
    server = grpc.aio.server()
    scorer_service_pb2_grpc.add_ScorerServiceServicer_to_server(
        ManyModelsScorer(ids),  # type: ignore[abstract]  # no other call is made
        server,
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
