"""Composition root of the router service: everything is built here, in dependency order."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from routemoa.v1 import router_service_pb2, router_service_pb2_grpc
from services.router.dependencies import Judge, Scorer
from services.router.generation import open_generator
from services.router.layer import Patience
from services.router.pipeline import Pipeline
from services.router.pool import load_pool
from services.router.servicer import RouterServicer
from services.rpc.breaker import Breaker
from services.rpc.channel import open_channel
from services.rpc.server import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.router.config import RouterServiceConfig

SERVICE_NAME = router_service_pb2.DESCRIPTOR.services_by_name["RouterService"].full_name


@asynccontextmanager
async def router_app(config: RouterServiceConfig) -> AsyncIterator[Service]:
    """Opens everything that the router needs and closes it in reverse order.

    Raises:
        PoolError: The pool file cannot be used.
    """
    pool = load_pool(config.pool_file)
    async with (
        open_channel(config.scorer_address) as scorer_channel,
        open_channel(config.judge_address) as judge_channel,
        open_generator() as generator,
    ):
        pipeline = Pipeline(
            pool=pool,
            scorer=Scorer(scorer_channel, pool, _breaker(config), config.scorer_timeout_s),
            judge=Judge(judge_channel, _breaker(config), config.judge_timeout_s),
            generator=generator,
            patience=Patience(quorum_share=config.quorum_share, grace_share=config.grace_share),
            min_stage_s=config.min_stage_s,
        )
        servicer = RouterServicer(pipeline, config)
        yield Service(
            name=SERVICE_NAME,
            register=lambda server: router_service_pb2_grpc.add_RouterServiceServicer_to_server(
                servicer, server
            ),
        )


def _breaker(config: RouterServiceConfig) -> Breaker:
    return Breaker(failure_limit=config.breaker_failure_count, open_s=config.breaker_open_s)
