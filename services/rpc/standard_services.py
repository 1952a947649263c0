"""The standard gRPC services: health, and reflection that also finds methods by name, as ghz needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

if TYPE_CHECKING:
    from collections.abc import Sequence

    import grpc.aio
    from google.protobuf.descriptor import FileDescriptor

SERVICE_NAME = health.SERVICE_NAME


class Health:
    """Reports the health of each named service, and of the whole server under the empty name."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._servicer = health.aio.HealthServicer()

    def register(self, server: grpc.aio.Server) -> None:
        """Adds the health service to a server."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def set_serving(self, *, serving: bool) -> None:
        """Reports every name as SERVING or NOT_SERVING."""
        await self.set_services_serving(serving=serving)
        await self._set("", serving=serving)

    async def set_services_serving(self, *, serving: bool) -> None:
        """Reports the named services, but not the server, as SERVING or NOT_SERVING."""
        for name in self._names:
            await self._set(name, serving=serving)

    async def _set(self, name: str, *, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse
        await self._servicer.set(name, status.SERVING if serving else status.NOT_SERVING)


def serve_reflection(names: Sequence[str], server: grpc.aio.Server) -> None:
    """Adds the reflection service; it describes the named services and itself."""
    pool: Any = _Pool()
    reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server, pool)


class _Pool:
    """protobuf's descriptor pool, with a symbol search that also finds methods."""

    def __getattr__(self, name: str) -> Any:
        return getattr(descriptor_pool.Default(), name)

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802  # protobuf's name
        pool = descriptor_pool.Default()
        try:
            return pool.FindFileContainingSymbol(symbol)
        except KeyError:
            file: FileDescriptor = pool.FindMethodByName(symbol).containing_service.file
            return file
