"""Puts the scorer together: settings -> artifact -> runtime -> batcher -> servicer."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import structlog

from routemoa.v1 import scorer_service_pb2, scorer_service_pb2_grpc
from scorer import ArtifactError, ProviderUnavailableError, Runtime, load_artifact
from services.rpc.server import Service, StartUpError
from services.scorer.batcher import Batcher
from services.scorer.servicer import ScorerServicer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.scorer.config import ScorerServiceConfig

SERVICE_NAME = scorer_service_pb2.DESCRIPTOR.services_by_name["ScorerService"].full_name
_WARM_UP_TEXTS = ("a word", "a sentence of some length " * 10, "a page of text " * 200)
_log = structlog.get_logger()


@asynccontextmanager
async def scorer_app(config: ScorerServiceConfig) -> AsyncIterator[Service]:
    """Opens the artifact that the settings name and yields the scorer, ready to be served.

    Raises:
        StartUpError: The artifact is bad, or the provider is not to be had.
    """
    runtime = await asyncio.to_thread(open_runtime, config)
    async with scorer_service(config, runtime) as service:
        yield service


@asynccontextmanager
async def scorer_service(config: ScorerServiceConfig, runtime: Runtime) -> AsyncIterator[Service]:
    """Yields the scorer on a runtime that is open already."""
    async with Batcher(runtime, config.batch_limits) as batcher:
        servicer = ScorerServicer(config, runtime, batcher)
        register = partial(scorer_service_pb2_grpc.add_ScorerServiceServicer_to_server, servicer)
        yield Service(name=SERVICE_NAME, register=register)


def open_runtime(config: ScorerServiceConfig) -> Runtime:
    """Opens and warms up the artifact that the settings name; raises `StartUpError`."""
    try:
        runtime = Runtime.open(
            load_artifact(config.artifact),
            provider=config.provider,
            intra_op_threads=config.intra_op_threads,
            allow_fallback=config.allow_provider_fallback,
        )
    except ArtifactError as error:
        raise StartUpError(f"{error.path} is not a usable artifact", error.problems) from error
    except ProviderUnavailableError as error:
        raise StartUpError("the hardware asked for is not to be had", [str(error)]) from error
    for text in _WARM_UP_TEXTS:
        runtime.read([runtime.tokenize(text)])
    if runtime.provider is not config.provider:
        _log.warning("provider_fallback", asked_for=config.provider, used=runtime.provider)
    _log.info("artifact_opened", version=runtime.version, provider=runtime.provider)
    return runtime
