"""Builds the scorer: settings -> artifacts -> servicer."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from routemoa.v1 import scorer_service_pb2, scorer_service_pb2_grpc
from services.rpc.server import Service
from services.scorer.artifacts.artifacts import Artifacts
from services.scorer.artifacts.open_runtime import open_runtime
from services.scorer.artifacts.opener import Opener
from services.scorer.rollout.candidate import Candidate
from services.scorer.servicer import ScorerServicer
from services.scorer.shadow import Shadow, comparing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.scorer.artifacts.open_runtime import OpenRuntime
    from services.scorer.config import ScorerServiceConfig
    from services.scorer.scoring import Scoring

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""Largest request: 64 queries of 100,000 characters."""
SERVICE_NAME = scorer_service_pb2.DESCRIPTOR.services_by_name["ScorerService"].full_name


@asynccontextmanager
async def scorer_app(
    config: ScorerServiceConfig, *, open_runtime: OpenRuntime = open_runtime
) -> AsyncIterator[Service]:
    """Opens the artifacts of the settings and yields the scorer, ready to serve.

    Raises:
        StartUpError: An artifact is not usable, or the execution provider is not available.
    """
    async with AsyncExitStack() as stack:
        opener = Opener(config, open_runtime)
        artifacts = await stack.enter_async_context(Artifacts(config, opener))
        candidate = await stack.enter_async_context(Candidate(config, artifacts, opener))
        shadow = None
        if config.shadow_artifact is not None:
            shadow = Shadow(partial(_get, artifacts, config.shadow_artifact))
            await stack.enter_async_context(comparing(shadow))
        servicer = ScorerServicer(config, artifacts, candidate, shadow)
        register = partial(scorer_service_pb2_grpc.add_ScorerServiceServicer_to_server, servicer)
        yield Service(
            name=SERVICE_NAME,
            register=register,
            shed_reason=servicer.shed_reason,
            max_message_bytes=MAX_MESSAGE_BYTES,
        )


def _get(artifacts: Artifacts, name: str) -> Scoring:
    scoring = artifacts.get(name)
    assert scoring is not None  # noqa: S101  # the settings are checked to name an existing artifact
    return scoring
