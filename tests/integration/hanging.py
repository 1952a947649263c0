"""A scorer and a judge that hang, and note when a call of theirs is cancelled."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from routemoa.v1 import judge_service_pb2_grpc, scorer_service_pb2_grpc
from services.rpc.server import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Hanging:
    """One dependency that takes calls and never answers."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.cancelled_s = 0.0

    async def hang(self) -> NoReturn:
        """Waits until the caller goes away."""
        self.called.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled_s = time.monotonic()
            self.cancelled.set()
        raise AssertionError


class HangingScorer(Hanging, scorer_service_pb2_grpc.ScorerServiceServicer):
    """Ranks nothing."""

    async def RankModels(self, request: Any, context: Any) -> Any:
        await self.hang()

    async def BatchRankModels(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    def StreamRankModels(self, request_iterator: Any, context: Any) -> Any:
        raise NotImplementedError

    async def GetScorerInfo(self, request: Any, context: Any) -> Any:
        raise NotImplementedError


class HangingJudge(Hanging, judge_service_pb2_grpc.JudgeServiceServicer):
    """Assesses nothing."""

    async def AssessAnswers(self, request: Any, context: Any) -> Any:
        await self.hang()


@asynccontextmanager
async def hanging_scorer_app(scorer: HangingScorer) -> AsyncIterator[Service]:
    """Serves a scorer that hangs."""
    yield Service(
        name="routemoa.v1.ScorerService",
        register=lambda server: scorer_service_pb2_grpc.add_ScorerServiceServicer_to_server(
            scorer, server
        ),
    )


@asynccontextmanager
async def hanging_judge_app(judge: HangingJudge) -> AsyncIterator[Service]:
    """Serves a judge that hangs."""
    yield Service(
        name="routemoa.v1.JudgeService",
        register=lambda server: judge_service_pb2_grpc.add_JudgeServiceServicer_to_server(
            judge, server
        ),
    )
