"""gRPC reflection, which also finds methods by name, as ghz asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pool
from grpc_reflection.v1alpha import reflection

if TYPE_CHECKING:
    from collections.abc import Sequence

    import grpc.aio
    from google.protobuf.descriptor import FileDescriptor


def serve_reflection(names: Sequence[str], server: grpc.aio.Server) -> None:
    """Adds the reflection service, which describes the services named and itself."""
    pool: Any = _Pool()
    reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server, pool)


class _Pool:
    """protobuf's pool, whose search for symbols passes over methods."""

    def __getattr__(self, name: str) -> Any:
        return getattr(descriptor_pool.Default(), name)

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802  # protobuf's name
        pool = descriptor_pool.Default()
        try:
            return pool.FindFileContainingSymbol(symbol)
        except KeyError:
            file: FileDescriptor = pool.FindMethodByName(symbol).containing_service.file
            return file
