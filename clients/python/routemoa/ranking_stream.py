"""A stream of queries -> a stream of rankings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from routemoa.calls import typed_errors
from routemoa.v1 import scorer_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence

    import grpc.aio

    Requests = AsyncGenerator[pb.StreamRankModelsRequest, None]
    RankingCall = grpc.aio.StreamStreamCall[pb.StreamRankModelsRequest, pb.StreamRankModelsResponse]


async def ranked(
    queries: AsyncIterable[str],
    model_ids: Sequence[str],
    call_with: Callable[[Requests], RankingCall],
    where: str,
) -> AsyncGenerator[pb.StreamRankModelsResponse, None]:
    """Yields one ranking or error per query, in order. An error of the queries is raised as it is.

    Args:
        queries: The queries.
        model_ids: The models to rank; none for all.
        call_with: Starts the call.
        where: Describes the address of the scorer.
    """
    source_error: Exception | None = None

    async def requests() -> Requests:
        nonlocal source_error
        try:
            async for query in queries:
                ranking = pb.RankModelsRequest(query=query, model_ids=model_ids)
                yield pb.StreamRankModelsRequest(request=ranking)
        except Exception as error:
            source_error = error
            raise

    call = call_with(requests())
    try:
        with typed_errors(where):
            async for response in call:
                yield response
    except asyncio.CancelledError:
        if source_error is not None:  # gRPC shows it as a cancellation without a cause
            raise source_error from None
        raise
    finally:
        call.cancel()
