"""ScorerService: checks requests, has their queries scored, orders the models."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

from routemoa.errors import RouteMoAError
from routemoa.v1 import scorer_service_pb2 as pb
from routemoa.v1 import scorer_service_pb2_grpc
from services.rpc.validation import Violations
from services.scorer.ordered import in_order
from services.scorer.responses import ranking_message

MAX_TEAM_SIZE = 16

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import grpc.aio

    from services.scorer.config import ScorerServiceConfig
    from services.scorer.scoring import Scoring
    from services.scorer.shadow import Shadow

    Context = grpc.aio.ServicerContext[Any, Any]


class Scorings(Protocol):
    """What scores, by the artifact's name."""

    @property
    def default(self) -> Scoring:
        """What scores for requests that name no artifact."""

    @property
    def names(self) -> Sequence[str]:
        """Every name that a request may give."""

    def get(self, name: str) -> Scoring | None:
        """Returns what scores under a name now; None if nothing does."""


class ScorerServicer(scorer_service_pb2_grpc.ScorerServiceServicer):
    """Answers with the artifacts of a scorer."""

    def __init__(
        self, config: ScorerServiceConfig, scorings: Scorings, shadow: Shadow | None = None
    ) -> None:
        self._config = config
        self._scorings = scorings
        self._shadow = shadow

    async def RankModels(
        self, request: pb.RankModelsRequest, context: Context
    ) -> pb.RankModelsResponse:
        """Ranks models for one query."""
        return await self._rank(request, "", context.time_remaining())

    async def BatchRankModels(
        self, request: pb.BatchRankModelsRequest, context: Context
    ) -> pb.BatchRankModelsResponse:
        """Ranks models for several queries, or fails with everything that is wrong with any."""
        violations = Violations()
        limit = self._config.max_batch_call_requests
        violations.length("requests", request.requests, 1, limit)
        requests = request.requests[:limit]
        scorings = [
            self._checked(item, f"requests[{place}].", violations)
            for place, item in enumerate(requests)
        ]
        violations.raise_if_any()
        responses: dict[int, pb.RankModelsResponse] = {}
        for scoring in dict.fromkeys(scorings):
            places = [place for place, each in enumerate(scorings) if each is scoring]
            ranked = await self._ranked(
                [requests[place] for place in places], scoring, context.time_remaining()
            )
            responses |= zip(places, ranked, strict=True)
        return pb.BatchRankModelsResponse(
            responses=[responses[place] for place in range(len(requests))]
        )

    async def StreamRankModels(
        self,
        request_iterator: AsyncIterator[pb.StreamRankModelsRequest],
        context: Context,  # noqa: ARG002  # gRPC's signature
    ) -> AsyncIterator[pb.StreamRankModelsResponse]:
        """Ranks models for a stream of queries, in order."""
        index = 0
        window = self._config.stream_window_requests
        # Closed with the call, so that no work goes on for a caller that has gone.
        async with aclosing(
            in_order(request_iterator, self._stream_response, window=window)
        ) as responses:
            async for response in responses:
                response.request_index = index
                index += 1
                yield response

    async def GetScorerInfo(
        self,
        request: pb.GetScorerInfoRequest,
        context: Context,  # noqa: ARG002  # gRPC's signature
    ) -> pb.GetScorerInfoResponse:
        """Describes an artifact that is in use and the limits of the service."""
        violations = Violations()
        scoring = self._scoring(request.artifact, "artifact", violations)
        violations.raise_if_any()
        runtime = scoring.runtime
        return pb.GetScorerInfoResponse(
            scorer_version=runtime.version,
            model_ids=runtime.model_ids,
            max_query_token_count=runtime.max_tokens,
            max_batch_request_count=self._config.max_batch_call_requests,
            execution_provider=runtime.provider,
            artifact_names=self._scorings.names,
        )

    async def _stream_response(
        self, request: pb.StreamRankModelsRequest
    ) -> pb.StreamRankModelsResponse:
        try:
            ranking = await self._rank(request.request, "request.", None)
        except RouteMoAError as error:
            failure = pb.RankingError(reason=error.reason, message=error.message)
            return pb.StreamRankModelsResponse(error=failure)
        return pb.StreamRankModelsResponse(ranking=ranking)

    async def _rank(
        self, request: pb.RankModelsRequest, place: str, remaining_s: float | None
    ) -> pb.RankModelsResponse:
        violations = Violations()
        scoring = self._checked(request, place, violations)
        violations.raise_if_any()
        (response,) = await self._ranked([request], scoring, remaining_s)
        return response

    async def _ranked(
        self,
        requests: Sequence[pb.RankModelsRequest],
        scoring: Scoring,
        remaining_s: float | None,
    ) -> list[pb.RankModelsResponse]:
        scoring.ranking.check([model_id for item in requests for model_id in item.model_ids])
        outcomes = await scoring.score([item.query for item in requests], remaining_s)
        if self._shadow is not None and scoring is self._scorings.default:
            for item, outcome in zip(requests, outcomes, strict=True):
                self._shadow.observe(item.query, scoring, outcome)
        return [
            ranking_message(item, outcome, scoring.ranking, scoring.runtime.version)
            for item, outcome in zip(requests, outcomes, strict=True)
        ]

    def _checked(
        self, request: pb.RankModelsRequest, place: str, violations: Violations
    ) -> Scoring:
        violations.query(f"{place}query", request.query)
        violations.within(f"{place}team_size", request.team_size, 0, MAX_TEAM_SIZE)
        return self._scoring(request.artifact, f"{place}artifact", violations)

    def _scoring(self, name: str, field: str, violations: Violations) -> Scoring:
        scoring = self._scorings.get(name) if name else self._scorings.default
        if scoring is not None:
            return scoring
        known = ", ".join(self._scorings.names) or "left out"
        violations.add(field, f"must be {known}, is {name[:100]}")
        return self._scorings.default
