"""gRPC with nothing behind it, which no service can undercut: `python -m tests.bench.bare_grpc`.

Answers RankModels and StreamRankModels with bytes that were made once, or refuses every call where its
headers arrive.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import grpc.aio
import uvloop

from routemoa.v1.scorer_service_pb2 import (
    DESCRIPTOR,
    RankModelsResponse,
    StreamRankModelsResponse,
)
from scorer import default_artifact_path, load_artifact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = DESCRIPTOR.services_by_name["ScorerService"].full_name
DETAILS = (("grpc-status-details-bin", bytes(150)),)


def ranking() -> RankModelsResponse:
    """Returns an answer as long as the scorer's."""
    manifest = load_artifact(default_artifact_path()).manifest
    response = RankModelsResponse(scorer_version=manifest.version, uncertainty=0.5)
    for model_id in manifest.model_ids:
        response.model_scores.add(model_id=model_id, score=0.5)
    return response


def answering() -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    """Returns handlers that neither read requests nor make responses."""
    answer = ranking().SerializeToString()
    item = StreamRankModelsResponse(ranking=ranking()).SerializeToString()

    async def unary(_: bytes, context: Context) -> bytes:
        return answer

    async def stream(requests: AsyncIterator[bytes], context: Context) -> None:
        async for _ in requests:
            await context.write(item)

    return {
        "RankModels": grpc.unary_unary_rpc_method_handler(unary),
        "StreamRankModels": grpc.stream_stream_rpc_method_handler(stream),
    }


def refusing() -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    """Returns a handler that refuses."""

    async def refuse(_: Any, context: Context) -> None:
        context.set_code(grpc.StatusCode.UNAVAILABLE)
        context.set_details("512 calls are in flight, which is the limit")
        context.set_trailing_metadata(DETAILS)

    return {"RankModels": grpc.stream_stream_rpc_method_handler(refuse)}


async def main(handlers: dict[str, grpc.RpcMethodHandler[Any, Any]]) -> None:
    """Serves until the process is told to end; prints the address."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)  # noqa: T201  # for whoever started it
    await server.wait_for_termination()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--refuse", action="store_true")
    uvloop.run(main(refusing() if parser.parse_args().refuse else answering()))
