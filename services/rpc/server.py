"""The lifecycle of a gRPC server: build, listen, serve, drain."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc.aio
import structlog

from services.rpc.health import SERVICE_NAME, Health
from services.rpc.interceptors import chain
from services.rpc.interceptors.admission import Admission, never
from services.rpc.reflection import serve_reflection
from services.rpc.reload import FileProblemsError
from services.rpc.telemetry import serve_metrics, set_up_logging
from services.rpc.tls import server_credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from routemoa.errors import RouteMoAError
    from services.rpc.config import ServiceConfig

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # Clients may ping idle connections this often; more is answered GOAWAY.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
_MAX_CONNECTION_AGE_GRACE_S = 3600.0
"""Time for calls on a connection that has reached its age: longer than any answer takes, so that it
only cuts off streams that never end."""
CANCELLATION_S = 2.0
EXIT_NOT_STARTED = 1
_log = structlog.get_logger()


class StartUpError(Exception):
    """Raised when a service cannot start for reasons that its operator can mend."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        """Takes what is wrong, and every reason."""
        super().__init__(message)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One gRPC service that a server offers."""

    name: str
    """Full name, e.g. `routemoa.v1.ScorerService`."""
    register: Callable[[grpc.aio.Server], None]
    """Adds the servicer to a server."""
    refusal: Callable[[str], RouteMoAError | None] = never
    """Returns why a call of a method would be refused now, or None: what can be told before anything of
    the call is read. The same error for the same reason."""
    deadline_floor_ms: int = 2
    """Calls that allow less time than this are refused unstarted: the way there and back alone takes as
    long."""


@asynccontextmanager
async def running_server(config: ServiceConfig, service: Service) -> AsyncIterator[str]:
    """Serves until the block ends, then drains. Yields the address that it listens on.

    Raises:
        StartUpError: The address cannot be bound, or the TLS files cannot be used.
    """
    admission = Admission(config.max_concurrent_calls, service.refusal)
    interceptor = chain(admission, deadline_floor_ms=service.deadline_floor_ms)
    server = grpc.aio.server(interceptors=[interceptor], options=_options(config))
    health = Health([service.name])
    service.register(server)
    health.register(server)
    if config.reflection:
        serve_reflection((service.name, SERVICE_NAME), server)
    address = _bind(server, config)
    await health.set_serving(serving=True)
    await server.start()
    _log.info("listening", service=service.name, address=address, tls=_security(config))
    try:
        yield address
    finally:
        await health.set_serving(serving=False)
        await asyncio.sleep(config.drain_delay_s)
        admission.draining = True
        await server.stop(config.drain_timeout_s)
        # gRPC cancels what is left and does not wait for it; what calls use is closed after this.
        with suppress(TimeoutError):
            await asyncio.wait_for(admission.idle.wait(), CANCELLATION_S)
        _log.info("stopped", service=service.name)


def _options(config: ServiceConfig) -> tuple[tuple[str, int], ...]:
    return (
        *_OPTIONS,
        ("grpc.so_reuseport", int(config.reuse_port)),
        ("grpc.max_connection_age_ms", round(config.max_connection_age_s * 1000)),
        ("grpc.max_connection_age_grace_ms", round(_MAX_CONNECTION_AGE_GRACE_S * 1000)),
    )


def _security(config: ServiceConfig) -> str:
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
    """Runs a service as a process: from start-up to a drained exit on SIGTERM or SIGINT.

    What keeps it from starting is printed, every reason on a line, and the exit status is 1.
    """
    set_up_logging(config.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    problems: list[str] = []
    try:
        _open_metrics(config)
        async with app as service, running_server(config, service):
            await stop.wait()
    except* StartUpError as errors:  # alone, or out of the tasks that a service runs
        for error in _leaves(errors):
            problems += [str(error), *(f"  - {problem}" for problem in error.problems)]
    if problems:
        sys.stderr.writelines(
            f"{line}\n" for line in (f"Cannot start: {problems[0]}", *problems[1:])
        )
        raise SystemExit(EXIT_NOT_STARTED)


def _leaves(group: BaseExceptionGroup[StartUpError]) -> list[StartUpError]:
    found: list[StartUpError] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def _open_metrics(config: ServiceConfig) -> None:
    try:
        serve_metrics(config.metrics_port)
    except OSError as error:
        message = f"cannot serve metrics on port {config.metrics_port}: is another process there?"
        raise StartUpError(message) from error
