"""ScorerService: checks requests, has their queries scored, orders the models."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

from routemoa.errors import RouteMoAError
from routemoa.v1 import scorer_service_pb2 as pb
from routemoa.v1 import scorer_service_pb2_grpc
from services.rpc.validation import Violations
from services.scorer.gathering import gathered
from services.scorer.ordered import in_order
from services.scorer.responses import fill_ranking

MAX_TEAM_SIZE = 16
UNARY_RANKING = frozenset(
    f"/{pb.DESCRIPTOR.services_by_name['ScorerService'].full_name}/{method}"
    for method in ("RankModels", "BatchRankModels")
)
"""The methods whose every call needs the queue as soon as it comes."""

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import grpc.aio

    from routemoa.errors import OverloadedError
    from services.scorer.config import ScorerServiceConfig
    from services.scorer.scoring import Scoring
    from services.scorer.shadow import Shadow

    Context = grpc.aio.ServicerContext[Any, Any]
    Asked = tuple[pb.RankModelsRequest, pb.RankModelsResponse]
    """What a caller asks for, and the empty message that the ranking is written to."""


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

    def refusal(self, method: str) -> OverloadedError | None:
        """Returns why a call of a method would be refused now, whichever artifact it names, or None."""
        if method not in UNARY_RANKING:
            return None
        error = self._scorings.default.refusal()
        if error is None or any(
            (scoring := self._scorings.get(name)) is not None and scoring.refusal() is None
            for name in self._scorings.names
        ):
            return None
        return error

    async def RankModels(
        self, request: pb.RankModelsRequest, context: Context
    ) -> pb.RankModelsResponse:
        """Ranks models for one query."""
        scoring = self._scoring_of(request, "")
        response = pb.RankModelsResponse()
        await self._rank([(request, response)], scoring, context.time_remaining())
        return response

    async def BatchRankModels(
        self, request: pb.BatchRankModelsRequest, context: Context
    ) -> pb.BatchRankModelsResponse:
        """Ranks models for several queries, or fails with everything that is wrong with any."""
        violations = Violations()
        limit = self._config.max_batch_call_requests
        violations.length("requests", request.requests, 1, limit)
        response = pb.BatchRankModelsResponse()
        asked: dict[Scoring, list[Asked]] = {}
        for place, item in enumerate(request.requests[:limit]):
            scoring = self._checked(item, f"requests[{place}].", violations)
            asked.setdefault(scoring, []).append((item, response.responses.add()))
        violations.raise_if_any()
        for scoring, items in asked.items():
            scoring.ranking.check([model_id for item, _ in items for model_id in item.model_ids])
            await self._rank(items, scoring, context.time_remaining())
        return response

    async def StreamRankModels(
        self,
        request_iterator: AsyncIterator[pb.StreamRankModelsRequest],
        context: Context,  # noqa: ARG002  # gRPC's signature
    ) -> AsyncIterator[pb.StreamRankModelsResponse]:
        """Ranks models for a stream of queries, in order."""
        # One group runs while the next is prepared, and together they fill the window.
        limit = min(self._config.stream_window_requests // 2, self._config.max_queue_requests)
        index = 0
        # Closed with the call, so that no work goes on for a caller that has gone.
        async with (
            aclosing(gathered(request_iterator, limit=max(limit, 1))) as groups,
            aclosing(in_order(groups, self._stream_responses, window=2)) as ranked,
        ):
            async for responses in ranked:
                for response in responses:
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

    async def _stream_responses(
        self, group: Sequence[pb.StreamRankModelsRequest]
    ) -> list[pb.StreamRankModelsResponse]:
        """Returns the outcome of each; what cannot be ranked has its error in its place."""
        responses = [pb.StreamRankModelsResponse() for _ in group]
        asked: dict[Scoring, list[int]] = {}
        for place, item in enumerate(group):
            try:
                asked.setdefault(self._scoring_of(item.request, "request."), []).append(place)
            except RouteMoAError as error:
                _fail(responses[place], error)
        for scoring, places in asked.items():
            items = [(group[place].request, responses[place].ranking) for place in places]
            try:
                await self._rank(items, scoring, None)
            except RouteMoAError as error:
                for place in places:
                    _fail(responses[place], error)
        return responses

    async def _rank(
        self, items: Sequence[Asked], scoring: Scoring, remaining_s: float | None
    ) -> None:
        """Scores queries together and fills their responses."""
        outcomes = await scoring.score([request.query for request, _ in items], remaining_s)
        shadow = self._shadow if scoring is self._scorings.default else None
        for (request, response), outcome in zip(items, outcomes, strict=True):
            if shadow is not None:
                shadow.observe(request.query, scoring, outcome)
            fill_ranking(response, request, outcome, scoring)

    def _scoring_of(self, request: pb.RankModelsRequest, place: str) -> Scoring:
        """Returns what ranks for a request; raises everything that is wrong with it."""
        violations = Violations()
        scoring = self._checked(request, place, violations)
        violations.raise_if_any()
        scoring.ranking.check(request.model_ids)
        return scoring

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


def _fail(response: pb.StreamRankModelsResponse, error: RouteMoAError) -> None:
    response.error.reason, response.error.message = error.reason, error.message
