"""gRPC reflection that also finds methods by name, which the load generator ghz needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pool
from grpc_reflection.v1alpha import reflection

if TYPE_CHECKING:
    from collections.abc import Sequence

    import grpc.aio
    from google.protobuf.descriptor import FileDescriptor


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
