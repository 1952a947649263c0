"""The server that clients are tested against: scripted, behind the interceptors of every service.

request id -> case -> its script; what arrived is kept per request id. The judge is the real one.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from routemoa.errors import ERRORS, FieldViolation, RouteMoAError
from routemoa.v1.judge_service_pb2_grpc import add_JudgeServiceServicer_to_server
from services.judge.config import JudgeServiceConfig
from services.judge.servicer import JudgeServicer
from services.rpc.interceptors import chain
from services.rpc.interceptors.admission import Admission
from services.rpc.interceptors.call import host_of
from services.rpc.interceptors.guard import GuardInterceptor
from services.rpc.interceptors.intake import Intakes
from services.rpc.standard_services import Health
from services.scorer.app import MAX_MESSAGE_BYTES
from tests.conformance.messages import SERVICES, response_message

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Iterator,
        Sequence,
    )

    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
    from google.protobuf.message import Message

    from routemoa.v1.judge_service_pb2 import AssessAnswersRequest, AssessAnswersResponse
    from services.rpc.interceptors.call import Call, Context
    from tests.conformance.case import Case, Json, Script

MAX_CALLS = 64
DEADLINE_FLOOR_MS = 2


@dataclass(slots=True, kw_only=True)
class Record:
    """What the server saw of the calls with one request id."""

    attempts: list[dict[str, str | bytes]] = field(default_factory=list)
    """The metadata of every attempt."""
    peers: set[str] = field(default_factory=set)
    """The client's end of every connection that was used."""
    remaining_s: list[float | None] = field(default_factory=list)
    requests: list[Message] = field(default_factory=list)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


class Stage:
    """Plays the cases' scripts and records what arrives."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._cases = {case.name: case for case in cases}
        self._records: dict[str, Record] = {}

    def record(self, request_id: str) -> Record:
        """Returns what was seen under a request id, which is `client/case`."""
        return self._records.setdefault(request_id, Record())

    @contextmanager
    def watch(self, call: Call) -> Iterator[None]:
        """Records a call; the outermost guard."""
        record = self.record(call.request_id)
        record.attempts.append(dict(call.context.invocation_metadata() or ()))
        record.peers.add(call.context.peer())
        record.remaining_s.append(call.context.time_remaining())
        try:
            yield
        except asyncio.CancelledError:
            record.cancelled.set()
            raise

    def handlers(self, service: ServiceDescriptor) -> grpc.GenericRpcHandler:
        """Returns handlers that play scripts for every method of a service."""
        handlers = {method.name: self._handler(method) for method in service.methods}
        return grpc.method_handlers_generic_handler(service.full_name, handlers)

    def _handler(self, method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
        coding: dict[str, Any] = {
            "request_deserializer": GetMessageClass(method.input_type).FromString,
            "response_serializer": GetMessageClass(method.output_type).SerializeToString,
        }
        if method.client_streaming:
            return grpc.stream_stream_rpc_method_handler(self._exchange, **coding)
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(self._stream, **coding)
        return grpc.unary_unary_rpc_method_handler(self._unary, **coding)

    async def _unary(self, request: Message, context: Context) -> Message:
        case = await self.begin(context, request)
        return response_message(case.method, case.script.responses[0])

    async def _stream(self, request: Message, context: Context) -> AsyncGenerator[Message, None]:
        case, record = await self._begin(context, request)
        await asyncio.sleep(case.script.delay_ms / 1000)
        for response in case.script.responses:
            yield response_message(case.method, response)
        _fail_if_due(case.script, len(record.attempts))
        if case.script.hang:
            await asyncio.Event().wait()

    async def _exchange(
        self, requests: AsyncIterator[Message], context: Context
    ) -> AsyncGenerator[Message, None]:
        case, record = await self._begin(context)
        responses = iter(case.script.responses)
        async for request in requests:
            record.requests.append(request)
            if (response := next(responses, None)) is not None:
                yield response_message(case.method, response)
        _fail_if_due(case.script, len(record.attempts))
        if case.script.hang:
            await asyncio.Event().wait()

    async def begin(self, context: Context, request: Message) -> Case:
        """Records a unary call, waits and fails as its case says; returns the case."""
        case, record = await self._begin(context, request)
        await asyncio.sleep(case.script.delay_ms / 1000)
        _fail_if_due(case.script, len(record.attempts))
        if case.script.gzip:
            # gRPC compresses a single response only if the metadata went before it.
            await context.send_initial_metadata(())
        return case

    async def _begin(self, context: Context, *requests: Message) -> tuple[Case, Record]:
        request_id = str(dict(context.invocation_metadata() or ()).get("x-request-id"))
        case, record = self._cases[request_id.split("/")[1]], self.record(request_id)
        record.requests.extend(requests)
        if case.script.foreign_error is not None:
            await _abort_as_another(context, case.script.foreign_error)
        if case.script.gzip:
            context.set_compression(grpc.Compression.Gzip)
        return case, record


class PlayedJudge(JudgeServicer):
    """The real judge, which fails first where a script says so."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(JudgeServiceConfig().weights)
        self._stage = stage

    async def AssessAnswers(
        self, request: AssessAnswersRequest, context: Context
    ) -> AssessAnswersResponse:
        """Assesses, unless the script fails this attempt."""
        await self._stage.begin(context, request)
        return await super().AssessAnswers(request, context)


def _fail_if_due(script: Script, attempt: int) -> None:
    if script.error is None:
        return
    if script.fail_attempts is None or attempt <= script.fail_attempts:
        raise _error(script.error)


def _error(content: Json) -> Exception:
    reason = content["reason"]
    if reason == "crash":
        return RuntimeError("text that callers must not see")
    kind = ERRORS.get(reason, RouteMoAError)
    error = kind.__new__(kind)
    RouteMoAError.__init__(error, content["message"], content.get("metadata"))
    if kind is RouteMoAError:  # of a contract newer than this one
        error.reason = reason  # an instance of its own
        error.code = grpc.StatusCode[content["code"]]
    error.violations = tuple(FieldViolation(**item) for item in content.get("violations", ()))
    if "retry_delay_ms" in content:
        error.retry_delay_s = content["retry_delay_ms"] / 1000
    return error


async def _abort_as_another(context: Context, content: Json) -> None:
    """Ends a call with the error of something else, such as a proxy."""
    code = grpc.StatusCode[content["code"]]
    status = status_pb2.Status(code=code.value[0], message=content["message"])
    info = error_details_pb2.ErrorInfo(reason=content["reason"], domain=content["domain"])
    status.details.add().Pack(info)
    details = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(code, content["message"], details)


@asynccontextmanager
async def listening(
    stage: Stage, services: Sequence[str], credentials: grpc.ServerCredentials | None = None
) -> AsyncIterator[str]:
    """Serves the named services on a free loopback port and yields the address."""
    admission = Admission(MAX_CALLS)
    limits = {"deadline_floor_ms": DEADLINE_FLOOR_MS, "max_message_bytes": MAX_MESSAGE_BYTES}
    guards = chain(admission, host_of, **limits).guards

    @contextmanager
    def watched(call: Call) -> Iterator[None]:
        with stage.watch(call), guards.measure(call):
            yield

    interceptor = GuardInterceptor(
        replace(guards, measure=watched),
        shed_reason=admission.shed_reason,
        intakes=Intakes.of(MAX_MESSAGE_BYTES),
    )
    server = grpc.aio.server(
        interceptors=[interceptor],
        options=(("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.so_reuseport", 0)),
    )
    for name in services:
        if name == "JudgeService":
            add_JudgeServiceServicer_to_server(PlayedJudge(stage), server)
        else:
            server.add_generic_rpc_handlers((stage.handlers(SERVICES[name]),))
    health = Health([])
    health.register(server)
    await health.set_serving(serving=True)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


class CountingProxy:
    """Passes a connection on, and counts what either side writes."""

    def __init__(self, target: str) -> None:
        host, _, port = target.partition(":")
        self._connect: Callable[
            [], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        ] = partial(asyncio.open_connection, host, int(port))
        self.sent_bytes = 0
        self.received_bytes = 0

    async def serve(self, stack: AsyncExitStack) -> str:
        """Serves until the stack ends; returns the address."""
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        stack.callback(server.close)
        host, port = server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await self._connect()

        def sent(count: int) -> None:
            self.sent_bytes += count

        def received(count: int) -> None:
            self.received_bytes += count

        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, target_writer, sent))
            group.create_task(_copy(target_reader, writer, received))


async def _copy(
    source: asyncio.StreamReader, to: asyncio.StreamWriter, count: Callable[[int], None]
) -> None:
    try:
        while data := await source.read(65_536):
            count(len(data))
            to.write(data)
            await to.drain()
    except ConnectionError:
        pass
    finally:
        to.close()
