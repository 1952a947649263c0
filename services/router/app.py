"""Composition root of the router service: everything is built here, in dependency order."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from routemoa.v1 import router_service_pb2, router_service_pb2_grpc
from services.router.backends.client import open_wire_client
from services.router.backends.replicas.replicas import open_replicas
from services.router.backends.replicas.retry_budget import Allowance
from services.router.budgets.opening import open_accounts
from services.router.decision_records.recorder import recording
from services.router.dependencies.dependencies import Judge, Remote, Scorer
from services.router.engine.engine import Stage
from services.router.engine.layer import Patience
from services.router.engine.metrics import POOL_MODELS
from services.router.file_watcher import Followed, following
from services.router.pipeline import Pipeline
from services.router.pool.expected_latency import Latencies
from services.router.pool.pool import Pool, load_pool
from services.router.servicer import RouterServicer
from services.rpc.breaker import Breaker
from services.rpc.channel import Connection
from services.rpc.reload import FileProblemsError, Reloaded
from services.rpc.server import Service, StartUpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.router.config import RouterServiceConfig
    from services.rpc.tls import Pem

SERVICE_NAME = router_service_pb2.DESCRIPTOR.services_by_name["RouterService"].full_name


@asynccontextmanager
async def router_app(config: RouterServiceConfig) -> AsyncIterator[Service]:
    """Opens everything that the router needs and closes it in reverse order.

    Raises:
        FileProblemsError: The pool file cannot be used.
        StartUpError: The TLS files for the dependencies, or what budgets or decision records need,
            cannot be used.
    """
    pool = Reloaded("pool", [config.pool_file], partial(load_pool, config.pool_file))
    tls = _dependency_tls(config)
    pem = None if tls is None else tls.value
    grace_s = max(config.scorer_timeout_s, config.judge_timeout_s)
    async with (
        Connection(config.scorer_address, pem, grace_s=grace_s) as scorer,
        Connection(config.judge_address, pem, grace_s=grace_s) as judge,
        open_accounts(config) as accounts,
        recording(config) as recorder,
        open_wire_client() as client,
        # The last one: what fails within its tasks comes out of them as a group of errors.
        open_replicas(config.replica_settings, client) as replicas,
    ):
        stage = partial(
            Stage,
            scorer=Scorer(Remote("scorer", scorer, _breaker(config), config.scorer_timeout_s)),
            judge=Judge(Remote("judge", judge, _breaker(config), config.judge_timeout_s)),
            latencies=Latencies(
                half_life_s=config.latency_half_life_s, pool_median_calls=config.pool_median_calls
            ),
            patience=Patience(quorum_share=config.quorum_share, grace_share=config.grace_share),
            stand_ins=Allowance(share=config.stand_in_share),
            min_stage_s=config.min_stage_s,
        )

        def pipeline(new: Pool) -> Pipeline:
            POOL_MODELS.set(len(new.models))
            return Pipeline(pool=new, stage=stage(generator=replicas.use(new)))

        servicer = RouterServicer(pipeline(pool.value), accounts, config, recorder)
        await replicas.first_look()
        followed = Followed(
            pool=pool,
            use_pool=lambda new: servicer.use(pipeline(new)),
            accounts=accounts,
            tls=tls,
            connections=(scorer, judge),
        )
        async with following(followed, interval_s=config.pool_reload_interval_s):
            yield Service(
                name=SERVICE_NAME,
                register=partial(
                    router_service_pb2_grpc.add_RouterServiceServicer_to_server, servicer
                ),
            )


def _dependency_tls(config: RouterServiceConfig) -> Reloaded[Pem] | None:
    files = config.dependency_tls
    if files is None:
        return None
    try:
        return Reloaded("dependency_tls", files.paths, files.load)
    except FileProblemsError as error:
        message = "the TLS files for the dependencies cannot be used"
        raise StartUpError(message, error.problems) from error


def _breaker(config: RouterServiceConfig) -> Breaker:
    return Breaker(failure_limit=config.breaker_failure_count, open_s=config.breaker_open_s)
