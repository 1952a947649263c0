"""Scorer, judge and router as they are, in this process, without sockets between them.

The services' own methods answer the router's calls, so a replay shows every change of scorer, judge,
strategies and engine; only the backends' protocol is left out. Rankings are kept, since a query has the
same one at every price.
"""

from __future__ import annotations

import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from services.evaluation.answers.pool_file import pool_yaml
from services.judge.app import judge_app
from services.judge.config import JudgeServiceConfig
from services.router.backends.replicas.retry_budget import RetryBudget
from services.router.config import RouterServiceConfig
from services.router.contract.policies import read_policy
from services.router.dependencies.judge_client import Judge
from services.router.dependencies.scorer_client import Scorer
from services.router.engine.engine import Engine
from services.router.engine.patience import Patience
from services.router.exploration.explorer import Explorer
from services.router.pipeline import Pipeline
from services.router.pool.expected_latency import ExpectedLatencies
from services.router.pool.pool import load_pool
from services.router.routing.events import Result
from services.router.routing.presets import PolicyDefaults
from services.router.sessions.sessions import Sessions
from services.router.strategies.registry import STRATEGIES
from services.router.types.conversation import Conversation
from services.router.types.deadline import Deadline
from services.router.types.messages import Message, Role
from services.router.values.values import open_values
from services.rpc.breaker import Breaker
from services.rpc.validation import Violations
from services.scorer.app import scorer_app
from services.scorer.config import ScorerServiceConfig
from tests.bench.curves.replayed_models import ReplayedModels

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from routemoa.v1.router_service_pb2 import RoutingPolicy
    from services.evaluation.answers.recorded_pool import RecordedPool
    from services.router.dependencies.remote import Remote
    from services.router.pool.pool import Pool
    from services.rpc.server import Service

_NOWHERE = "http://127.0.0.1:9/v1"
_TIMEOUT_S = 600.0


class LocalService:
    """Stands in the place of `Remote`: calls a service's methods directly."""

    def __init__(self, service: Service, *, keeps: bool) -> None:
        self._methods: dict[str, Any] = {}
        self._keeps = keeps
        self._kept: dict[bytes, Any] = {}
        service.register(cast("Any", self))

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Takes what gRPC registers; `add_registered_method_handlers` gets the same."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        """Takes the methods that a servicer registers."""
        for name, handler in handlers.items():
            self._methods[f"/{service}/{name}"] = handler.unary_unary

    @property
    def channel(self) -> LocalService:
        """The channel for a stub, whose methods are names."""
        return self

    def unary_unary(self, path: str, **_: object) -> str:
        """Returns the name of a method, which `call` gets."""
        return path

    def stream_stream(self, path: str, **_: object) -> str:
        """Returns the name of a method that nothing here calls."""
        return path

    async def call(self, method: str, request: Any, *_: object) -> Any:
        """Returns the response; see `Remote.call`."""
        key = request.SerializeToString(deterministic=True) if self._keeps else b""
        if key in self._kept:
            return self._kept[key]
        response = await self._methods[method](request, _Context())
        if self._keeps:
            self._kept[key] = response
        return response


class _Context:
    """The context of a call without metadata and deadline."""

    def invocation_metadata(self) -> tuple[()]:
        return ()

    def peer_identities(self) -> None:
        return None

    def time_remaining(self) -> None:
        return None


class LocalRouter:
    """Answers recorded queries by the router's pipeline."""

    def __init__(self, pipeline: Pipeline, pool: Pool) -> None:
        self._pipeline = pipeline
        self._pool = pool
        self._defaults = PolicyDefaults(
            RouterServiceConfig(pool_file=Path("pool.yaml")).policy, strategy="routemoa"
        )

    async def answer(self, query: str, policy: RoutingPolicy) -> Result:
        """Returns the result of a query.

        Raises:
            RouteMoAError: There is no answer.
        """
        violations = Violations()
        read = read_policy(policy, self._defaults, self._pool, violations)
        violations.raise_if_any()
        conversation = Conversation(messages=(Message(role=Role.USER, content=query),))
        run = self._pipeline.start(conversation, read, Deadline.after(_TIMEOUT_S))
        *_, result = [event async for event in self._pipeline.answer(run)]
        assert isinstance(result, Result)
        return result


@asynccontextmanager
async def local_router(
    pool: RecordedPool, artifact: Path | None, answer_artifact: Path | None
) -> AsyncIterator[LocalRouter]:
    """Opens the services for a recorded pool.

    Args:
        pool: The pool.
        artifact: The scorer's artifact; None for the one that is shipped.
        answer_artifact: The judge's answer scorer; None for a judge that reads no texts.
    """
    scorer_config = ScorerServiceConfig()
    if artifact is not None:
        scorer_config = ScorerServiceConfig(artifact=artifact)
    config = RouterServiceConfig(pool_file=Path("pool.yaml"))
    async with AsyncExitStack() as exits:
        folder = exits.enter_context(tempfile.TemporaryDirectory(prefix="routemoa-curves-"))
        file = Path(folder) / "pool.yaml"
        file.write_text(pool_yaml(pool, _NOWHERE), encoding="utf-8")
        models = load_pool(file)
        scorer = await exits.enter_async_context(scorer_app(scorer_config))
        judge = await exits.enter_async_context(
            judge_app(JudgeServiceConfig(answer_artifact=answer_artifact))
        )
        breaker = Breaker(failure_limit=3, open_s=5.0)
        values = await exits.enter_async_context(open_values("session", None, breaker))
        engine = Engine(
            scorer=Scorer(cast("Remote", LocalService(scorer, keeps=True))),
            judge=Judge(cast("Remote", LocalService(judge, keeps=False))),
            generator=ReplayedModels(pool),
            latencies=ExpectedLatencies(learns=False),
            patience=Patience(quorum_share=config.quorum_share),
            backup_budget=RetryBudget(share=config.backup_share),
            explorer=Explorer(usd_per_day=0.0),
        )
        pipeline = Pipeline(
            pool=models, engine=engine, strategies=STRATEGIES, sessions=Sessions(values)
        )
        yield LocalRouter(pipeline, models)
