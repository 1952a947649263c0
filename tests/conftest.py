"""Fixtures that every test may ask for: real services on free loopback ports, and channels to them."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
import structlog
from hypothesis import settings

from routemoa.v1 import judge_service_pb2_grpc, scorer_service_pb2_grpc
from scorer import Runtime, default_artifact_path, load_artifact
from services.judge.app import judge_app
from services.judge.config import JudgeServiceConfig
from services.router.backends import call_failure
from services.rpc.server import Service, running_server
from services.scorer.app import scorer_app
from services.scorer.config import ScorerServiceConfig

if TYPE_CHECKING:
    from services.rpc.config import ServiceConfig

LOOPBACK = "127.0.0.1:0"

# Rich's tracebacks, the default of a development machine, take seconds on a busy one.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)

# The time of an example depends on the load of the machine; the tests have a time limit of their own.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


def pytest_collection_finish() -> None:
    """Keeps the tests themselves out of every later collection of garbage."""
    gc.collect()
    gc.freeze()


Serve = Callable[["ServiceConfig", AbstractAsyncContextManager[Service]], Awaitable[str]]
"""Starts a service and returns its address."""
Connect = Callable[[str], grpc.aio.Channel]
"""Opens a channel, without retries, to an address."""


@pytest.fixture(autouse=True)
def unexpected_failures(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The exceptions that ended calls unexpectedly; a test that causes some clears the list."""
    errors: list[str] = []
    report = call_failure.report_unexpected

    def note(error: Exception, model_id: str) -> None:
        errors.append(repr(error))
        report(error, model_id)

    monkeypatch.setattr(call_failure, "report_unexpected", note)
    yield errors
    assert not errors, "calls ended with exceptions of our own"


@pytest.fixture(autouse=True)
def own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keeps the logging that a test sets up, as commands do, from the tests after it."""
    before, configure = structlog.get_config(), structlog.configure

    def configure_uncached(**settings: Any) -> None:
        configure(**settings | {"cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", configure_uncached)
    yield
    configure(**before)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts services; they drain when the test ends, the last one first."""
    async with AsyncExitStack() as stack:

        async def start(config: ServiceConfig, app: AbstractAsyncContextManager[Service]) -> str:
            service = await stack.enter_async_context(app)
            return await stack.enter_async_context(running_server(config, service))

        yield start


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens channels; they close when the test ends."""
    async with AsyncExitStack() as stack:

        def open_plain(address: str) -> grpc.aio.Channel:
            channel = grpc.aio.insecure_channel(address)
            stack.push_async_callback(channel.close, None)
            return channel

        yield open_plain


@pytest.fixture(scope="session")
def scorer_runtime() -> Runtime:
    """The shipped artifact, opened once: opening it takes longer than most tests."""
    return Runtime.open(load_artifact(default_artifact_path()), intra_op_threads=1)


def scorer_service(
    config: ScorerServiceConfig, runtime: Runtime
) -> AbstractAsyncContextManager[Service]:
    """The scorer on a runtime that is already open."""
    return scorer_app(config, open_runtime=lambda *_: runtime)


@pytest.fixture
async def scorer_address(serve: Serve, scorer_runtime: Runtime) -> str:
    """A scorer service that refuses nothing because the machine is slow."""
    config = ScorerServiceConfig(listen_address=LOOPBACK, max_queue_wait_s=60)
    return await serve(config, scorer_service(config, scorer_runtime))


@pytest.fixture
async def judge_address(serve: Serve) -> str:
    """A judge service with default settings."""
    config = JudgeServiceConfig(listen_address=LOOPBACK)
    return await serve(config, judge_app(config))


@pytest.fixture
def scorer(connect: Connect, scorer_address: str) -> scorer_service_pb2_grpc.ScorerServiceStub:
    return scorer_service_pb2_grpc.ScorerServiceStub(connect(scorer_address))


@pytest.fixture
def judge(connect: Connect, judge_address: str) -> judge_service_pb2_grpc.JudgeServiceStub:
    return judge_service_pb2_grpc.JudgeServiceStub(connect(judge_address))
