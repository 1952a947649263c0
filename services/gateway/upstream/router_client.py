"""Calls the router, and turns its errors into those of the APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import grpc.aio
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1 import router_service_pb2_grpc
from services.gateway.upstream.rpc_failures import api_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from routemoa.v1 import model_pb2
    from services.rpc.channel import Connection

Metadata = tuple[tuple[str, str], ...]
LOOKUP_TIMEOUT_S = 5.0
"""Time for the router to describe itself, or to record feedback."""
PROBE_TIMEOUT_S = 1.0


class RouterClient:
    """The router's methods that the gateway needs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel: grpc.aio.Channel | None = None
        self._stub: router_service_pb2_grpc.RouterServiceStub

    async def answer(
        self, request: pb.StreamAnswerRequest, *, timeout_s: float, metadata: Metadata
    ) -> AsyncGenerator[pb.StreamAnswerResponse, None]:
        """Yields the events of an answer. The call ends with the generator.

        Raises:
            ApiError: The call failed.
        """
        call = self._router().StreamAnswer(request, timeout=timeout_s, metadata=metadata)
        begun = False
        try:
            while (event := await call.read()) is not grpc.aio.EOF:
                begun = True
                yield cast("pb.StreamAnswerResponse", event)
        except grpc.aio.AioRpcError as error:
            raise api_error(error, begun=begun) from error
        finally:
            call.cancel()

    async def feedback(
        self, request: pb.RecordFeedbackRequest, metadata: Metadata
    ) -> pb.RecordFeedbackResponse:
        """Has feedback recorded.

        Raises:
            ApiError: The call failed.
        """
        try:
            return await self._router().RecordFeedback(
                request, timeout=LOOKUP_TIMEOUT_S, metadata=metadata
            )
        except grpc.aio.AioRpcError as error:
            raise api_error(error, begun=False) from error

    async def info(self, metadata: Metadata) -> pb.GetRouterInfoResponse:
        """Returns what the router says of itself.

        Raises:
            ApiError: The call failed.
        """
        try:
            return await self._router().GetRouterInfo(
                pb.GetRouterInfoRequest(), timeout=LOOKUP_TIMEOUT_S, metadata=metadata
            )
        except grpc.aio.AioRpcError as error:
            raise api_error(error, begun=False) from error

    async def models(self, metadata: Metadata) -> Sequence[model_pb2.Model]:
        """Returns the pool, ordered by model id.

        Raises:
            ApiError: The call failed.
        """
        models: list[model_pb2.Model] = []
        request = pb.ListModelsRequest(page_size=1000)
        try:
            while True:
                page = await self._router().ListModels(
                    request, timeout=LOOKUP_TIMEOUT_S, metadata=metadata
                )
                models.extend(page.models)
                if not page.next_page_token:
                    return models
                request.page_token = page.next_page_token
        except grpc.aio.AioRpcError as error:
            raise api_error(error, begun=False) from error

    async def serves(self) -> bool:
        """Returns whether the router takes calls."""
        check = self._connection.channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        try:
            request = HealthCheckRequest()
            response: HealthCheckResponse = await check(request, timeout=PROBE_TIMEOUT_S)
        except grpc.aio.AioRpcError:
            return False
        return response.status == HealthCheckResponse.SERVING

    def _router(self) -> router_service_pb2_grpc.RouterServiceStub:
        channel = self._connection.channel
        if channel is not self._channel:  # reopened with new TLS files
            self._channel = channel
            self._stub = router_service_pb2_grpc.RouterServiceStub(channel)
        return self._stub
