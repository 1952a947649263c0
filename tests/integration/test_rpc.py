"""Limits, errors, health and drain of any service."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from prometheus_client import REGISTRY

from routemoa.errors import (
    DeadlineTooShortError,
    InternalError,
    InvalidFieldError,
    OverloadedError,
    RouteMoAError,
)
from routemoa.rpc_status import from_rpc_error
from routemoa.v1.judge_service_pb2 import AssessAnswersRequest, AssessAnswersResponse
from routemoa.v1.judge_service_pb2_grpc import (
    JudgeServiceServicer,
    JudgeServiceStub,
    add_JudgeServiceServicer_to_server,
)
from services.rpc.config import ServiceConfig
from services.rpc.server import Service, StartUpError, running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from tests.conftest import Connect, Serve

NAME = "routemoa.v1.JudgeService"
METHOD = f"/{NAME}/AssessAnswers"
SECRET = "the password is swordfish"
REQUEST = AssessAnswersRequest()
TIMEOUT_S = 60


class HeldService(JudgeServiceServicer):
    """Holds every call until the test lets go; fails if it is broken."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.let_go = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.broken = False
        self.deadline_floor_ms = 2

    async def AssessAnswers(  # the contract's name
        self, request: AssessAnswersRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AssessAnswersResponse:
        if self.broken:
            raise RuntimeError(SECRET)
        self.entered.set()
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return AssessAnswersResponse(ignored_score_count=7)

    @property
    def service(self) -> Service:
        return Service(
            name=NAME,
            register=lambda server: add_JudgeServiceServicer_to_server(self, server),
            deadline_floor_ms=self.deadline_floor_ms,
        )

    @asynccontextmanager
    async def app(self) -> AsyncIterator[Service]:
        yield self.service


@pytest.fixture
def held() -> HeldService:
    return HeldService()


async def failure(call: Awaitable[object]) -> RouteMoAError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


async def test_an_unexpected_exception_tells_the_caller_its_request_id_and_nothing_else(
    serve: Serve, connect: Connect, held: HeldService
) -> None:
    held.broken = True
    stub = JudgeServiceStub(connect(await serve(ServiceConfig(), held.app())))
    call = stub.AssessAnswers(REQUEST, timeout=TIMEOUT_S, metadata=(("x-request-id", "r-17"),))
    error = await failure(call)
    assert isinstance(error, InternalError)
    assert error.metadata == {"request_id": "r-17"}
    assert SECRET not in f"{await call.details()}{await call.trailing_metadata()}"


async def test_a_request_id_too_long_for_an_error_is_cut(
    serve: Serve, connect: Connect, held: HeldService
) -> None:
    held.broken = True
    stub = JudgeServiceStub(connect(await serve(ServiceConfig(), held.app())))
    metadata = (("x-request-id", "r" * 7_000),)
    error = await failure(stub.AssessAnswers(REQUEST, timeout=TIMEOUT_S, metadata=metadata))
    assert isinstance(error, InternalError)
    assert error.metadata == {"request_id": "r" * 128}


async def test_calls_are_counted_by_the_code_that_the_caller_sees(
    serve: Serve, connect: Connect, held: HeldService
) -> None:
    def handled(code: str) -> float:
        labels = {"method": "AssessAnswers", "code": code}
        return REGISTRY.get_sample_value("grpc_server_handled_total", labels) or 0

    before = {code: handled(code) for code in ("OK", "INTERNAL")}
    held.let_go.set()
    stub = JudgeServiceStub(connect(await serve(ServiceConfig(), held.app())))
    await stub.AssessAnswers(REQUEST, timeout=TIMEOUT_S)
    held.broken = True
    await failure(stub.AssessAnswers(REQUEST, timeout=TIMEOUT_S))

    def counted() -> bool:
        rises = [handled(code) - count for code, count in before.items()]
        in_flight = REGISTRY.get_sample_value("routemoa_calls_in_flight_count")
        return rises == [1, 1] and in_flight == 0

    async with asyncio.timeout(TIMEOUT_S):  # a caller may have its answer before it is counted
        while not counted():  # noqa: ASYNC110  # a metric has no event
            await asyncio.sleep(0.01)


async def test_a_call_above_the_limit_is_refused_at_once_and_the_next_one_fits_again(
    serve: Serve, connect: Connect, held: HeldService
) -> None:
    stub = JudgeServiceStub(connect(await serve(ServiceConfig(max_concurrent_calls=1), held.app())))
    first = stub.AssessAnswers(REQUEST, timeout=TIMEOUT_S)
    await held.entered.wait()
    error = await failure(stub.AssessAnswers(REQUEST, timeout=TIMEOUT_S))
    assert isinstance(error, OverloadedError)
    assert error.retry_delay_s == 0.25
    assert error.metadata == {"limit": "1"}
    held.let_go.set()
    assert (await first).ignored_score_count == 7
    assert (await stub.AssessAnswers(REQUEST, timeout=TIMEOUT_S)).ignored_score_count == 7


async def test_nothing_is_read_or_logged_of_a_call_above_the_limit(
    serve: Serve, connect: Connect, held: HeldService
) -> None:
    def counted() -> float:
        labels = {"method": "AssessAnswers", "code": "UNAVAILABLE"}
        return REGISTRY.get_sample_value("grpc_server_handled_total", labels) or 0

    before = counted()
    channel = connect(await serve(ServiceConfig(max_concurrent_calls=1), held.app()))
    first = JudgeServiceStub(channel).AssessAnswers(REQUEST, timeout=TIMEOUT_S)
    await held.entered.wait()
    method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(METHOD)
    with structlog.testing.capture_logs() as lines:
        error = await failure(method(b"\xff\xff\xff", timeout=TIMEOUT_S))
    assert isinstance(error, OverloadedError)
    assert {line["log_level"] for line in lines if line["event"] == "call"} == {"debug"}
    assert counted() == before + 1
    held.let_go.set()
    await first


async def test_a_caller_that_goes_away_cancels_its_call_and_gives_back_its_permit(
    serve: Serve, connect: Connect, held: HeldService
) -> None:
    stub = JudgeServiceStub(connect(await serve(ServiceConfig(max_concurrent_calls=1), held.app())))
    first = stub.AssessAnswers(REQUEST, timeout=TIMEOUT_S)
    await held.entered.wait()
    first.cancel()
    await asyncio.wait_for(held.cancelled.wait(), TIMEOUT_S)
    held.let_go.set()
    assert (await stub.AssessAnswers(REQUEST, timeout=TIMEOUT_S)).ignored_score_count == 7


async def test_a_call_that_runs_out_of_time_is_cancelled_in_the_service(
    serve: Serve, connect: Connect, held: HeldService
) -> None:
    channel = connect(await serve(ServiceConfig(), held.app()))
    await channel.channel_ready()
    call = JudgeServiceStub(channel).AssessAnswers(REQUEST, timeout=1)
    await held.entered.wait()
    assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(held.cancelled.wait(), TIMEOUT_S)


async def test_a_call_that_allows_too_little_time_is_not_started(
    serve: Serve, connect: Connect, held: HeldService
) -> None:
    held.deadline_floor_ms = 120_000
    stub = JudgeServiceStub(connect(await serve(ServiceConfig(), held.app())))
    error = await failure(stub.AssessAnswers(REQUEST, timeout=TIMEOUT_S))
    assert isinstance(error, DeadlineTooShortError)
    assert error.metadata["floor_ms"] == "120000"
    assert 0 < int(error.metadata["remaining_ms"]) < 120_000
    assert not held.entered.is_set()


async def test_a_call_without_a_deadline_is_served(
    serve: Serve, connect: Connect, held: HeldService
) -> None:
    held.let_go.set()
    stub = JudgeServiceStub(connect(await serve(ServiceConfig(), held.app())))
    assert (await stub.AssessAnswers(REQUEST)).ignored_score_count == 7


@pytest.mark.parametrize(
    "data",
    [b"\xff\xff\xff", b"\x0a\xff\x01", b"\x0a\x04\x0a\x02\xc3\x28"],
    ids=["no message", "cut short", "text that is not UTF-8"],
)
async def test_bytes_that_are_not_the_message_are_an_invalid_request(
    serve: Serve, connect: Connect, held: HeldService, data: bytes
) -> None:
    method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
    method = connect(await serve(ServiceConfig(), held.app())).unary_unary(METHOD)
    error = await failure(method(data, timeout=TIMEOUT_S))
    assert isinstance(error, InvalidFieldError)
    assert not held.entered.is_set()


async def test_a_method_that_does_not_exist_is_unimplemented(
    serve: Serve, connect: Connect, held: HeldService
) -> None:
    method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
    method = connect(await serve(ServiceConfig(), held.app())).unary_unary(f"/{NAME}/Guess")
    error = await failure(method(b"", timeout=TIMEOUT_S))
    assert error.code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("name", ["", NAME])
async def test_a_service_that_is_up_is_serving(
    serve: Serve, connect: Connect, held: HeldService, name: str
) -> None:
    health = health_pb2_grpc.HealthStub(connect(await serve(ServiceConfig(), held.app())))
    request = health_pb2.HealthCheckRequest(service=name)
    response = await health.Check(request, timeout=TIMEOUT_S)  # type: ignore[attr-defined]  # its stubs name no method
    assert response.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_server_that_stops_says_so_first_and_lets_calls_in_flight_finish(
    connect: Connect, held: HeldService
) -> None:
    config = ServiceConfig(drain_delay_s=0.3, drain_timeout_s=TIMEOUT_S)
    server = running_server(config, held.service)
    channel = connect(await server.__aenter__())
    health = health_pb2_grpc.HealthStub(channel)
    watch = health.Watch(health_pb2.HealthCheckRequest(service=NAME))  # type: ignore[attr-defined]  # its stubs name no method
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    call = JudgeServiceStub(channel).AssessAnswers(REQUEST, timeout=TIMEOUT_S)
    await held.entered.wait()
    stopping = asyncio.create_task(server.__aexit__(None, None, None))
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    watch.cancel()
    held.let_go.set()
    assert (await call).ignored_score_count == 7
    await stopping
    late = JudgeServiceStub(channel).AssessAnswers(REQUEST, timeout=TIMEOUT_S)
    assert (await failure(late)).code is grpc.StatusCode.UNAVAILABLE


async def test_calls_that_outlast_the_drain_are_cancelled(
    connect: Connect, held: HeldService
) -> None:
    async with running_server(ServiceConfig(drain_timeout_s=0.2), held.service) as address:
        call = JudgeServiceStub(connect(address)).AssessAnswers(REQUEST, timeout=TIMEOUT_S)
        await held.entered.wait()
    assert held.cancelled.is_set()
    assert await call.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


async def reflected(
    channel: grpc.aio.Channel, question: reflection_pb2.ServerReflectionRequest
) -> reflection_pb2.ServerReflectionResponse:
    async def ask() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield question

    method = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    response = await method(ask(), timeout=TIMEOUT_S).read()
    assert isinstance(response, reflection_pb2.ServerReflectionResponse)
    return response


async def test_reflection_lists_the_services_where_it_is_on(
    serve: Serve, connect: Connect, held: HeldService
) -> None:
    on, off = [
        connect(await serve(ServiceConfig(reflection=reflection), held.app()))
        for reflection in (True, False)
    ]
    question = reflection_pb2.ServerReflectionRequest(list_services="")
    response = await reflected(on, question)
    names = {item.name for item in response.list_services_response.service}
    assert {NAME, "grpc.health.v1.Health"} <= names
    error = await failure(reflected(off, question))
    assert error.code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("symbol", "is_found"),
    [(NAME, True), (f"{NAME}.AssessAnswers", True), (f"{NAME}.Guess", False), ("nobody", False)],
)
async def test_reflection_finds_services_and_methods_by_name(
    serve: Serve, connect: Connect, held: HeldService, symbol: str, is_found: bool
) -> None:
    channel = connect(await serve(ServiceConfig(), held.app()))
    question = reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol)
    response = await reflected(channel, question)
    assert bool(response.file_descriptor_response.file_descriptor_proto) is is_found
    assert (
        response.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    ) is not is_found


async def test_an_address_that_is_taken_is_a_start_up_error(
    serve: Serve, held: HeldService
) -> None:
    address = await serve(ServiceConfig(), held.app())
    with pytest.raises(StartUpError, match="cannot listen"):
        await serve(ServiceConfig(listen_address=address), held.app())
