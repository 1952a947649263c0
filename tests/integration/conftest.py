"""A router between a scripted scorer, the real judge and a simulated pool, all on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from routemoa.errors import ModelNotFoundError
from routemoa.v1 import (
    generation_pb2,
    model_pb2,
    router_service_pb2,
    router_service_pb2_grpc,
    scorer_service_pb2,
    scorer_service_pb2_grpc,
)
from services.router.app import router_app
from services.router.backends import client
from services.router.config import RouterServiceConfig
from services.router.tuning import DEFAULT_TUNING, Tuning
from services.rpc.server import Service
from services.scorer.config import ScorerServiceConfig
from services.simulator import Pacing, Simulator, running_simulator
from tests.conftest import LOOPBACK, Connect, Serve
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scripted_answers import Script

SCORER_NAME = "routemoa.v1.ScorerService"
PATIENT_S = 30.0
PATIENT = {"dependency_timeout_s": PATIENT_S}
"""What a router is set to where nothing else is said: on a busy machine, nothing stands in for them."""
LAYERED = {"strategy": "layers"}
"""Most tests are of layers; a test of another strategy names it."""


class ScriptedScorer(scorer_service_pb2_grpc.ScorerServiceServicer):
    """Gives every query the same scores, and what else it is set to."""

    def __init__(self, scores: Mapping[str, float]) -> None:
        self.scores = dict(scores)
        self.version = "scripted"
        self.uncertainty = 0.0
        self.team: Sequence[str] = ()
        self.tokens: Mapping[str, int] = {}
        self.requests: list[Any] = []

    @property
    def queries(self) -> list[str]:
        return [request.query for request in self.requests]

    async def RankModels(self, request: Any, context: Any) -> Any:
        self.requests.append(request)
        unknown = sorted(set(request.model_ids) - self.scores.keys())
        if unknown:
            message = "unknown models"
            raise ModelNotFoundError(message, {"model_ids": ",".join(unknown)})
        scores = [
            model_pb2.ModelScore(
                model_id=m, score=s, expected_completion_token_count=self.tokens.get(m)
            )
            for m, s in self.scores.items()
            if not request.model_ids or m in request.model_ids
        ]
        return scorer_service_pb2.RankModelsResponse(
            model_scores=scores,
            scorer_version=self.version,
            uncertainty=self.uncertainty,
            team_model_ids=self.team[: request.team_size],
        )

    async def BatchRankModels(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    def StreamRankModels(self, request_iterator: Any, context: Any) -> Any:
        raise NotImplementedError

    async def GetScorerInfo(self, request: Any, context: Any) -> Any:
        raise NotImplementedError


@asynccontextmanager
async def scripted_scorer_app(servicer: ScriptedScorer) -> AsyncIterator[Service]:
    yield Service(
        name=SCORER_NAME,
        register=lambda server: scorer_service_pb2_grpc.add_ScorerServiceServicer_to_server(
            servicer, server
        ),
    )


@dataclass(slots=True, kw_only=True)
class RouterBench:
    """A running router and everything around it."""

    stub: router_service_pb2_grpc.RouterServiceStub
    simulator: Simulator
    scorer: ScriptedScorer
    address: str
    channel: Any
    metadata: tuple[tuple[str, str], ...] = ()
    """Sent with every call, e.g. a token."""
    events: list[router_service_pb2.StreamAnswerResponse] = field(default_factory=list)

    async def ask(
        self,
        text: str = "How many legs has a spider?",
        *,
        timeout_s: float | None = 10.0,
        before: Sequence[tuple[str, str]] = (),
        options: generation_pb2.GenerationOptions | None = None,
        **policy: Any,
    ) -> router_service_pb2.GenerateAnswerResponse:
        """Streams one answer; keeps the events and returns the full result.

        Args:
            text: The user's turn.
            timeout_s: The deadline; None for none.
            before: Role and text of the turns before it.
            options: The caller's wishes for the answer.
            policy: Fields of the policy.
        """
        self.events = []
        turns = [*before, ("user", text)]
        request = router_service_pb2.StreamAnswerRequest(
            messages=[
                model_pb2.Message(role=f"ROLE_{role.upper()}", content=said)  # type: ignore[arg-type]
                for role, said in turns
            ],
            policy=router_service_pb2.RoutingPolicy(**policy),
            full_result=True,
            options=options,
        )
        async for event in self.stub.StreamAnswer(
            request, timeout=timeout_s, metadata=self.metadata
        ):
            self.events.append(event)
        assert self.events[-1].HasField("result")
        return self.events[-1].result

    @property
    def shown(self) -> str:
        """What a user saw in the end: the deltas since the last reset."""
        text = ""
        for event in self.events:
            if event.HasField("reset"):
                text = ""
            text += event.delta.text
        return text


StartRouter = Callable[..., Awaitable[RouterBench]]


@pytest.fixture
async def start_router(
    serve: Serve,
    connect: Connect,
    judge_address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[StartRouter]:
    """Starts a router over a pool of scripted models."""
    monkeypatch.setattr(client, "_CONNECT_TIMEOUT_S", PATIENT_S)
    async with AsyncExitStack() as stack:

        async def start(
            scripts: Mapping[str, Script],
            scores: Mapping[str, float],
            *,
            pacing: Pacing | None = None,
            models: Mapping[str, Mapping[str, Any]] | None = None,
            aggregator: str | None = None,
            safe_models: Sequence[str] = (),
            scorer_address: str | None = None,
            judge: str = judge_address,
            tuning: Tuning = DEFAULT_TUNING,
            **settings: Any,
        ) -> RouterBench:
            simulator = await stack.enter_async_context(
                running_simulator(ScriptedAnswers(scripts), pacing=pacing)
            )
            scorer = ScriptedScorer(scores)
            if scorer_address is None:
                config = ScorerServiceConfig(listen_address=LOOPBACK)
                scorer_address = await serve(config, scripted_scorer_app(scorer))
            pool = write_pool(
                tmp_path, simulator.url, scripts, models or {}, aggregator, safe_models=safe_models
            )
            router_config = RouterServiceConfig(
                listen_address=LOOPBACK,
                pool_file=pool,
                scorer_address=scorer_address,
                judge_address=judge,
                **LAYERED | PATIENT | settings,
            )
            address = await serve(router_config, router_app(router_config, tuning))
            channel = connect(address)
            return RouterBench(
                stub=router_service_pb2_grpc.RouterServiceStub(channel),
                simulator=simulator,
                scorer=scorer,
                address=address,
                channel=channel,
            )

        yield start


def write_pool(
    folder: Path,
    url: str,
    scripts: Mapping[str, Script],
    models: Mapping[str, Mapping[str, Any]],
    aggregator: str | None,
    *,
    safe_models: Sequence[str] = (),
) -> Path:
    """Writes a pool file; `models` overrides settings of single models."""
    content: dict[str, Any] = {
        "models": [
            {
                "id": model_id,
                "url": url,
                "prompt_price_usd_per_million_tokens": 1.0,
                "completion_price_usd_per_million_tokens": 2.0,
                "context_window_tokens": 8192,
                "max_reply_tokens": 1024,
                "median_latency_s": 1.0,
                **models.get(model_id, {}),
            }
            for model_id in scripts
        ]
    }
    if aggregator is not None:
        content["aggregator"] = aggregator
    if safe_models:
        content["safe_models"] = list(safe_models)
    path = folder / "pool.yaml"
    path.write_text(yaml.safe_dump(content))
    return path
