"""Puts the scorer together: settings -> artifacts -> servicer."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from routemoa.v1 import scorer_service_pb2, scorer_service_pb2_grpc
from services.rpc.server import Service
from services.scorer.artifacts.artifacts import Artifacts
from services.scorer.scoring import OneScoring, Scoring
from services.scorer.servicer import ScorerServicer
from services.scorer.shadow import Shadow, shadowing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scorer import Runtime
    from services.scorer.config import ScorerServiceConfig
    from services.scorer.servicer import Scorings

SERVICE_NAME = scorer_service_pb2.DESCRIPTOR.services_by_name["ScorerService"].full_name


@asynccontextmanager
async def scorer_app(config: ScorerServiceConfig) -> AsyncIterator[Service]:
    """Opens the artifacts that the settings name and yields the scorer, ready to be served.

    Raises:
        StartUpError: An artifact is bad, or the provider is not to be had.
    """
    async with AsyncExitStack() as stack:
        artifacts = await stack.enter_async_context(Artifacts(config))
        shadow = None
        if config.shadow_artifact is not None:
            shadow = Shadow(partial(_named, artifacts, config.shadow_artifact))
            await stack.enter_async_context(shadowing(shadow))
        yield _service(config, artifacts, shadow)


@asynccontextmanager
async def scorer_service(config: ScorerServiceConfig, runtime: Runtime) -> AsyncIterator[Service]:
    """Yields the scorer on a runtime that is open already."""
    async with Scoring(runtime, config.batch_limits, config.cache_queries) as scoring:
        yield _service(config, OneScoring(scoring))


def _service(
    config: ScorerServiceConfig, scorings: Scorings, shadow: Shadow | None = None
) -> Service:
    servicer = ScorerServicer(config, scorings, shadow)
    register = partial(scorer_service_pb2_grpc.add_ScorerServiceServicer_to_server, servicer)
    return Service(name=SERVICE_NAME, register=register, refusal=servicer.refusal)


def _named(artifacts: Artifacts, name: str) -> Scoring:
    scoring = artifacts.get(name)
    assert scoring is not None  # noqa: S101  # the settings name only artifacts that there are
    return scoring
