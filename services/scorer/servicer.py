"""ScorerService: checks requests, has their queries scored, orders the models."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from google.protobuf.duration_pb2 import Duration

from routemoa.errors import RouteMoAError
from routemoa.v1 import model_pb2, scorer_service_pb2_grpc
from routemoa.v1 import scorer_service_pb2 as pb
from services.rpc.validation import Violations
from services.scorer.ordered import in_order
from services.scorer.ranking import Ranking
from services.scorer.success import class_success

MAX_TEAM_SIZE = 16

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import grpc.aio

    from scorer import Runtime
    from services.scorer.batcher import Batcher, ScoredQuery
    from services.scorer.config import ScorerServiceConfig

    Context = grpc.aio.ServicerContext[Any, Any]


class ScorerServicer(scorer_service_pb2_grpc.ScorerServiceServicer):
    """Answers for one runtime, through one batcher."""

    def __init__(self, config: ScorerServiceConfig, runtime: Runtime, batcher: Batcher) -> None:
        self._batcher = batcher
        self._ranking = Ranking(runtime.model_ids, class_success(runtime))
        self._stream_window = config.stream_window_requests
        self._info = pb.GetScorerInfoResponse(
            scorer_version=runtime.version,
            model_ids=runtime.model_ids,
            max_query_token_count=runtime.max_tokens,
            max_batch_request_count=config.max_batch_call_requests,
            execution_provider=runtime.provider,
        )

    async def RankModels(
        self,
        request: pb.RankModelsRequest,
        context: Context,  # noqa: ARG002  # gRPC's signature
    ) -> pb.RankModelsResponse:
        """Ranks models for one query."""
        return await self._rank(request, "")

    async def BatchRankModels(
        self,
        request: pb.BatchRankModelsRequest,
        context: Context,  # noqa: ARG002  # gRPC's signature
    ) -> pb.BatchRankModelsResponse:
        """Ranks models for several queries, or fails with everything that is wrong with any."""
        violations = Violations()
        limit = self._info.max_batch_request_count
        violations.length("requests", request.requests, 1, limit)
        for place, item in enumerate(request.requests[:limit]):
            _check(item, f"requests[{place}].", violations)
        violations.raise_if_any()
        self._ranking.check([model_id for item in request.requests for model_id in item.model_ids])
        outcomes = await self._batcher.score([item.query for item in request.requests])
        return pb.BatchRankModelsResponse(
            responses=[
                self._response(item, outcome)
                for item, outcome in zip(request.requests, outcomes, strict=True)
            ]
        )

    async def StreamRankModels(
        self,
        request_iterator: AsyncIterator[pb.StreamRankModelsRequest],
        context: Context,  # noqa: ARG002  # gRPC's signature
    ) -> AsyncIterator[pb.StreamRankModelsResponse]:
        """Ranks models for a stream of queries, in order."""
        index = 0
        # Closed with the call, so that no work goes on for a caller that has gone.
        async with aclosing(
            in_order(request_iterator, self._stream_response, window=self._stream_window)
        ) as responses:
            async for response in responses:
                response.request_index = index
                index += 1
                yield response

    async def GetScorerInfo(
        self,
        request: pb.GetScorerInfoRequest,  # noqa: ARG002  # gRPC's signature
        context: Context,  # noqa: ARG002  # gRPC's signature
    ) -> pb.GetScorerInfoResponse:
        """Describes the artifact that is loaded and the limits of the service."""
        return self._info

    async def _stream_response(
        self, request: pb.StreamRankModelsRequest
    ) -> pb.StreamRankModelsResponse:
        try:
            ranking = await self._rank(request.request, "request.")
        except RouteMoAError as error:
            failure = pb.RankingError(reason=error.reason, message=error.message)
            return pb.StreamRankModelsResponse(error=failure)
        return pb.StreamRankModelsResponse(ranking=ranking)

    async def _rank(self, request: pb.RankModelsRequest, place: str) -> pb.RankModelsResponse:
        violations = Violations()
        _check(request, place, violations)
        violations.raise_if_any()
        self._ranking.check(request.model_ids)
        (outcome,) = await self._batcher.score([request.query])
        return self._response(request, outcome)

    def _response(
        self, request: pb.RankModelsRequest, outcome: ScoredQuery
    ) -> pb.RankModelsResponse:
        timing = outcome.timing
        ranked = self._ranking.best_first(
            outcome.scores, outcome.completion_tokens, request.model_ids
        )
        return pb.RankModelsResponse(
            model_scores=[
                model_pb2.ModelScore(
                    model_id=model_id, score=score, expected_completion_token_count=tokens
                )
                for model_id, score, tokens in ranked
            ],
            truncated=outcome.truncated,
            scorer_version=self._info.scorer_version,
            timing=pb.ScorerTiming(
                queue_duration=_duration(timing.queue_s),
                tokenization_duration=_duration(timing.tokenization_s),
                inference_duration=_duration(timing.inference_s),
            ),
            uncertainty=outcome.uncertainty,
            team_model_ids=self._team(request, outcome),
        )

    def _team(self, request: pb.RankModelsRequest, outcome: ScoredQuery) -> list[str]:
        if not request.team_size:
            return []
        return self._ranking.team(outcome.class_weights, request.model_ids, request.team_size)


def _check(request: pb.RankModelsRequest, place: str, violations: Violations) -> None:
    violations.query(f"{place}query", request.query)
    violations.within(f"{place}team_size", request.team_size, 0, MAX_TEAM_SIZE)


def _duration(span_s: float) -> Duration:
    seconds, fraction_s = divmod(span_s, 1)
    return Duration(seconds=int(seconds), nanos=int(fraction_s * 1e9))
