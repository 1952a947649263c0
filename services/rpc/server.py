"""Runs a gRPC server: build, listen, serve, drain."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc.aio
import structlog

from services.rpc.credentials import server_credentials
from services.rpc.file_problems import FileProblemsError
from services.rpc.interceptors import chain
from services.rpc.interceptors.admission import Admission, no_shed_reason
from services.rpc.interceptors.call import host_of
from services.rpc.lifeline import end_with_parent
from services.rpc.standard_services import SERVICE_NAME, Health, serve_reflection
from services.rpc.telemetry import serve_metrics, set_up_logging
from services.rpc.tracing.export import TracingProblemError, exported_traces

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from routemoa.errors import RouteMoAError
    from services.rpc.config import ServerConfig, ServiceConfig
    from services.rpc.interceptors.callers import CallerOf

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""Largest request, unless a service takes larger ones."""
_MIN_STREAMS = 128
"""Least limit of the calls on one connection: health checks need some, too."""
_OPTIONS = (
    # Clients may ping idle connections this often; a client that pings more gets GOAWAY.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Else gRPC keeps megabytes of each request, before the service asks for it, on fast connections.
    ("grpc.http2.bdp_probe", 0),
)
_MAX_CONNECTION_AGE_GRACE_S = 3600.0
"""Time for calls on a connection that has reached its age: longer than any answer takes, so that it
only cuts off streams that never end."""
CANCELLATION_S = 2.0
"""Time for cancelled calls to end."""
EXIT_NOT_STARTED = 1
_STAY_SHARE = 0.8
"""Part of the drain's delay in which clients stay."""
_log = structlog.get_logger()


class StartUpError(Exception):
    """Raised when a service cannot start for a reason that its operator can fix."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        """Takes a summary, and one line of text per reason."""
        super().__init__(message)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One gRPC service of a server."""

    name: str
    """The full name, e.g. `routemoa.v1.ScorerService`."""
    register: Callable[[grpc.aio.Server], None]
    """Adds the servicer to a server."""
    shed_reason: Callable[[str], RouteMoAError | None] = no_shed_reason
    """Returns the error for a new call of a method if the service must shed it unread; None if not.
    The same object for the same reason."""
    caller_of: CallerOf = host_of
    """Returns the caller of a call, by whom calls are limited; refuses an unknown one."""
    max_message_bytes: int = MAX_MESSAGE_BYTES
    """Largest request."""
    deadline_floor_ms: int = 2
    """Calls that allow less time are refused unstarted: the round trip alone takes as long."""


@asynccontextmanager
async def running_server(config: ServiceConfig, service: Service) -> AsyncIterator[str]:
    """Serves until the block ends, then drains. Yields the address.

    Raises:
        StartUpError: The address cannot be bound, or the TLS files cannot be used.
    """
    admission = Admission(config.max_concurrent_calls, service.shed_reason)
    interceptor = chain(
        admission,
        service.caller_of,
        deadline_floor_ms=service.deadline_floor_ms,
        max_message_bytes=service.max_message_bytes,
    )
    options = _options(config, service.max_message_bytes)
    server = grpc.aio.server(interceptors=[interceptor], options=options)
    health = Health([service.name])
    service.register(server)
    health.register(server)
    if config.reflection:
        serve_reflection((service.name, SERVICE_NAME), server)
    address = _bind(server, config)
    await health.set_serving(serving=True)
    await server.start()
    _log.info("listening", service=service.name, address=address, tls=security(config))
    watch = asyncio.create_task(admission.watch())
    try:
        yield address
    finally:
        watch.cancel()
        # Load balancers and probes ask for the service, clients watch the server. A client leaves late:
        # it may know no other server until an earlier one has ended its connection.
        await health.set_services_serving(serving=False)
        await asyncio.sleep(_STAY_SHARE * config.drain_delay_s)
        await health.set_serving(serving=False)
        await asyncio.sleep((1 - _STAY_SHARE) * config.drain_delay_s)
        admission.draining = True
        await server.stop(config.drain_timeout_s)
        # gRPC cancels the remaining calls without waiting for them. They must end before this returns:
        # the caller then closes the resources that they use.
        with suppress(TimeoutError):
            await asyncio.wait_for(admission.idle.wait(), CANCELLATION_S)
        _log.info("stopped", service=service.name)


def _options(config: ServiceConfig, max_message_bytes: int) -> tuple[tuple[str, int], ...]:
    return (
        *_OPTIONS,
        ("grpc.max_receive_message_length", max_message_bytes),
        # Twice the limit of calls, so that calls above it are refused at once and do not queue.
        ("grpc.max_concurrent_streams", max(2 * config.max_concurrent_calls, _MIN_STREAMS)),
        ("grpc.so_reuseport", int(config.reuse_port)),
        ("grpc.max_connection_age_ms", round(config.max_connection_age_s * 1000)),
        ("grpc.max_connection_age_grace_ms", round(_MAX_CONNECTION_AGE_GRACE_S * 1000)),
    )


def security(config: ServerConfig) -> str:
    """Returns the side of a listener that shows a certificate, for the log."""
    if config.tls is None:
        return "off"
    return "server" if config.tls.ca is None else "mutual"


def _bind(server: grpc.aio.Server, config: ServiceConfig) -> str:
    listen_address = config.listen_address
    host, _, _ = listen_address.rpartition(":")
    try:
        if config.tls is None:
            port = server.add_insecure_port(listen_address)
        else:
            port = server.add_secure_port(listen_address, server_credentials(config.tls))
    except FileProblemsError as error:
        raise StartUpError("the TLS files cannot be used", error.problems) from error
    except RuntimeError as error:
        message = f"cannot listen on {listen_address}: is another process there?"
        raise StartUpError(message) from error
    return f"{host}:{port}"


async def serve(config: ServiceConfig, app: AbstractAsyncContextManager[Service]) -> None:
    """Runs a gRPC service as a process; see `run_until_signal`."""
    await run_until_signal(config, _serving(config, app))


@asynccontextmanager
async def _serving(
    config: ServiceConfig, app: AbstractAsyncContextManager[Service]
) -> AsyncIterator[None]:
    async with app as service, running_server(config, service):
        yield


async def run_until_signal(
    config: ServerConfig, serving: AbstractAsyncContextManager[object]
) -> None:
    """Runs a service as a process: from start-up to a drained exit on SIGTERM or SIGINT.

    If the service cannot start, prints every reason on a line and exits with status 1.
    """
    end_with_parent()
    _keep_imported()
    set_up_logging(config.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    problems: list[str] = []
    try:
        _open_metrics(config)
        async with _traced(config), serving:
            await stop.wait()
    except* StartUpError as errors:  # raised alone, or in a group by the tasks of a service
        for error in _leaves(errors):
            problems += [str(error), *(f"  - {problem}" for problem in error.problems)]
    if problems:
        sys.stderr.writelines(
            f"{line}\n" for line in (f"Cannot start: {problems[0]}", *problems[1:])
        )
        raise SystemExit(EXIT_NOT_STARTED)


def _keep_imported() -> None:
    """Exempts what was imported from garbage collections, which would hold the event loop for 0.1 s."""
    gc.collect()
    gc.freeze()


def _leaves(group: BaseExceptionGroup[StartUpError]) -> list[StartUpError]:
    found: list[StartUpError] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


@asynccontextmanager
async def _traced(config: ServerConfig) -> AsyncIterator[None]:
    name = str(config.model_config.get("env_prefix", "")).strip("_").replace("_", "-").lower()
    try:
        async with exported_traces(name):
            yield
    except TracingProblemError as error:
        raise StartUpError(str(error)) from error


def _open_metrics(config: ServerConfig) -> None:
    try:
        serve_metrics(config.metrics_port, config.listen_address)
    except OSError as error:
        message = f"cannot serve metrics on port {config.metrics_port}: is another process there?"
        raise StartUpError(message) from error
