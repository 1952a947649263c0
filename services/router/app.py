"""Composition root of the router service: everything is built here, in dependency order."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from routemoa.v1 import router_service_pb2, router_service_pb2_grpc
from services.router.backends.client import open_wire_client
from services.router.backends.replicas.replicas import open_replicas
from services.router.backends.replicas.retry_budget import RetryBudget
from services.router.budgets.accounts import open_accounts
from services.router.budgets.redis_store import STORE_OPEN_S
from services.router.budgets.tenants import ANONYMOUS
from services.router.contract.limits import MAX_REQUEST_BYTES
from services.router.decision_records.record_store import open_store
from services.router.decision_records.recorder import Recorder
from services.router.dependencies.judge_client import Judge
from services.router.dependencies.remote import Remote
from services.router.dependencies.scorer_client import QUERY_HASH_KEY, Scorer
from services.router.engine.engine import Engine
from services.router.engine.metrics import POOL_MODELS
from services.router.engine.patience import Patience
from services.router.exploration.explorer import Explorer
from services.router.feedback.intake import FeedbackIntake
from services.router.file_watcher import FileWatcher
from services.router.pipeline import Pipeline
from services.router.pool.expected_latency import ExpectedLatencies
from services.router.pool.pool import Pool, load_pool
from services.router.repeats.repeats import READ_WAIT_S, Repeats
from services.router.routing.presets import PolicyDefaults
from services.router.servicer import RouterServicer
from services.router.sessions.sessions import Sessions
from services.router.strategies.registry import STRATEGIES
from services.router.tuning import DEFAULT_TUNING
from services.router.values.values import open_values
from services.rpc.breaker import Breaker
from services.rpc.channel import Connection
from services.rpc.file_problems import FileProblemsError
from services.rpc.interceptors.call import host_of
from services.rpc.reload import Reloaded
from services.rpc.server import Service, StartUpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.router.budgets.accounts import Accounts
    from services.router.config import RouterServiceConfig
    from services.router.tuning import Tuning
    from services.router.values.values import Values
    from services.rpc.interceptors.call import Context
    from services.rpc.tls import Pem

_DEADLINE_FLOOR_MS = 50
"""No model answers in less."""
SERVICE_NAME = router_service_pb2.DESCRIPTOR.services_by_name["RouterService"].full_name


@asynccontextmanager
async def router_app(
    config: RouterServiceConfig, tuning: Tuning = DEFAULT_TUNING
) -> AsyncIterator[Service]:
    """Opens everything that the router needs and closes it in reverse order.

    Args:
        config: The settings.
        tuning: Constants that tests change.

    Raises:
        FileProblemsError: The pool file cannot be used.
        StartUpError: The TLS files for the dependencies, or what budgets or decision records need,
            cannot be used.
    """
    pool = Reloaded("pool", [config.pool_file], partial(load_pool, config.pool_file))
    tls = _dependency_tls(config)
    pem = None if tls is None else tls.value
    timeout_s = config.dependency_timeout_s
    async with (
        Connection(
            config.scorer_address, pem, grace_s=timeout_s, hash_header=QUERY_HASH_KEY
        ) as scorer,
        Connection(config.judge_address, pem, grace_s=timeout_s) as judge,
        open_accounts(config.tenants_file, config.budget, _store_breaker(tuning)) as accounts,
        _open_memories(config, tuning) as memories,
        open_store(config.records, drain_timeout_s=tuning.records_drain_timeout_s) as store,
        open_wire_client() as client,
        # The last one: what fails within its tasks comes out of them as a group of errors.
        open_replicas(config.replica, client.stream, tuning.replicas) as replicas,
    ):
        engine = _engine(config, tuning, scorer, judge)

        def pipeline(new: Pool) -> Pipeline:
            POOL_MODELS.set(len(new.models))
            whole = engine(generator=replicas.use(new))
            return Pipeline(
                pool=new, engine=whole, strategies=STRATEGIES, sessions=memories.sessions
            )

        servicer = RouterServicer(
            pipeline(pool.value),
            accounts,
            Recorder(store, _version(config)),
            PolicyDefaults(config.policy, strategy=config.strategy),
            repeats=memories.repeats,
            feedback=FeedbackIntake(store, config.records.missing_for_feedback, memories.feedback),
            default_timeout_s=config.default_timeout_s,
            deadline_margin_s=tuning.deadline_margin_s,
        )
        await replicas.first_look()
        watcher = FileWatcher(
            pool=pool,
            use_pool=lambda new: servicer.use(pipeline(new)),
            accounts=accounts,
            tls=tls,
            connections=(scorer, judge),
            interval_s=config.pool_reload_interval_s,
        )
        async with watcher.running():
            yield _service(servicer, accounts)


class _Memories(NamedTuple):
    sessions: Sessions
    repeats: Repeats
    feedback: Values
    """The feedback of the last minutes."""


@asynccontextmanager
async def _open_memories(config: RouterServiceConfig, tuning: Tuning) -> AsyncIterator[_Memories]:
    """Opens what the router remembers."""
    file = config.budget.redis_url_file
    async with (
        open_values("session", file, _breaker(tuning)) as states,
        open_values("response", file, _breaker(tuning), read_wait_s=READ_WAIT_S) as responses,
        open_values("feedback", file, _breaker(tuning)) as feedback,
    ):
        yield _Memories(Sessions(states), Repeats(responses), feedback)


def _service(servicer: RouterServicer, accounts: Accounts) -> Service:
    return Service(
        name=SERVICE_NAME,
        register=partial(router_service_pb2_grpc.add_RouterServiceServicer_to_server, servicer),
        caller_of=partial(_caller, accounts),
        max_message_bytes=MAX_REQUEST_BYTES,
        deadline_floor_ms=_DEADLINE_FLOOR_MS,
    )


def _caller(accounts: Accounts, context: Context) -> str:
    """Returns the tenant that calls, or the host where there are no tenants.

    Raises:
        UnknownTenantError: The call's metadata identify no tenant.
    """
    tenant = accounts.tenant_of(context.invocation_metadata())
    return host_of(context) if tenant is ANONYMOUS else tenant.id


def _engine(
    config: RouterServiceConfig, tuning: Tuning, scorer: Connection, judge: Connection
) -> partial[Engine]:
    """Returns the engine without the generator, which changes with the pool."""
    timeout_s = config.dependency_timeout_s
    return partial(
        Engine,
        scorer=Scorer(Remote("scorer", lambda: scorer.channel, _breaker(tuning), timeout_s)),
        judge=Judge(Remote("judge", lambda: judge.channel, _breaker(tuning), timeout_s)),
        latencies=ExpectedLatencies(learns=config.learn_latency),
        patience=Patience(quorum_share=config.quorum_share, grace_share=tuning.grace_share),
        backup_budget=RetryBudget(share=config.backup_share),
        explorer=Explorer(usd_per_day=config.exploration_cost_usd_per_day),
        min_stage_s=tuning.min_stage_s,
    )


def _breaker(tuning: Tuning) -> Breaker:
    return Breaker(failure_limit=tuning.breaker_failure_limit, open_s=tuning.breaker_open_s)


def _store_breaker(tuning: Tuning) -> Breaker:
    open_s = min(tuning.breaker_open_s, STORE_OPEN_S)
    return Breaker(failure_limit=tuning.breaker_failure_limit, open_s=open_s)


def _version(config: RouterServiceConfig) -> str:
    """Returns a hash that changes with any setting."""
    return sha256(config.model_dump_json().encode()).hexdigest()[:12]


def _dependency_tls(config: RouterServiceConfig) -> Reloaded[Pem] | None:
    files = config.dependency_tls
    if files is None:
        return None
    try:
        return Reloaded("dependency_tls", files.paths, files.load)
    except FileProblemsError as error:
        message = "the TLS files for the dependencies cannot be used"
        raise StartUpError(message, error.problems) from error
