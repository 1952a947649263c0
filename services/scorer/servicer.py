"""Answers ScorerService: checks requests, scores their queries, ranks the models."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from routemoa.errors import RouteMoAError
from routemoa.v1 import error_reason_pb2, scorer_service_pb2_grpc
from routemoa.v1 import scorer_service_pb2 as pb
from services.rpc.interceptors.call import CACHE_SALT_KEY
from services.rpc.validation import Violations
from services.scorer.responses import fill_ranking
from services.scorer.streams import chunked, ordered_map

MAX_TEAM_SIZE = 16
MAX_ROLLOUT_KEY_CHARACTERS = 256
SHEDDABLE_METHODS = frozenset(
    f"/{pb.DESCRIPTOR.services_by_name['ScorerService'].full_name}/{method}"
    for method in ("RankModels", "BatchRankModels")
)
"""The methods whose calls enter the queue at once. Calls of other methods are never shed."""

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import grpc.aio

    from routemoa.errors import OverloadedError
    from services.scorer.artifacts.artifacts import Artifacts
    from services.scorer.config import ScorerServiceConfig
    from services.scorer.rollout.candidate import Candidate
    from services.scorer.scoring import Scoring
    from services.scorer.shadow import Shadow

    Context = grpc.aio.ServicerContext[Any, Any]
    RankingItem = tuple[pb.RankModelsRequest, pb.RankModelsResponse]
    """A request, and the empty response for its ranking."""


class ScorerServicer(scorer_service_pb2_grpc.ScorerServiceServicer):
    """Answers with the artifacts of the service."""

    def __init__(
        self,
        config: ScorerServiceConfig,
        artifacts: Artifacts,
        candidate: Candidate | None = None,
        shadow: Shadow | None = None,
    ) -> None:
        self._config = config
        self._artifacts = artifacts
        self._candidate = candidate
        self._shadow = shadow

    def shed_reason(self, method: str) -> OverloadedError | None:
        """Returns the error for a new call of a method, to be shed unread; None if it must be read.

        A call is shed only if no artifact can take it: an unread call may name any of them.
        """
        if method not in SHEDDABLE_METHODS:
            return None
        error = self._artifacts.default.shed_reason()
        if error is None or any(
            (scoring := self._artifacts.get(name)) is not None and scoring.shed_reason() is None
            for name in self._artifacts.names
        ):
            return None
        return error

    async def RankModels(
        self, request: pb.RankModelsRequest, context: Context
    ) -> pb.RankModelsResponse:
        """Ranks models for one query, during a rollout with both of its artifacts."""
        response = pb.RankModelsResponse()
        salt, remaining_s = _salt(context), context.time_remaining()
        arms = None if request.artifact or self._candidate is None else self._candidate.arms
        if arms is None:
            scoring = self._scoring_of(request, "")
            await self._rank([(request, response)], scoring, salt, remaining_s)
            return response
        violations = Violations()
        self._checked(request, "", violations)
        violations.raise_if_any()
        await arms.rank(request, response, salt, remaining_s)
        return response

    async def BatchRankModels(
        self, request: pb.BatchRankModelsRequest, context: Context
    ) -> pb.BatchRankModelsResponse:
        """Ranks models for several queries; fails if any of the requests is invalid."""
        violations = Violations()
        limit = self._config.max_batch_call_requests
        violations.length("requests", request.requests, 1, limit)
        response = pb.BatchRankModelsResponse()
        by_artifact: dict[Scoring, list[RankingItem]] = {}
        for index, item in enumerate(request.requests[:limit]):
            scoring = self._checked(item, f"requests[{index}].", violations)
            by_artifact.setdefault(scoring, []).append((item, response.responses.add()))
        violations.raise_if_any()
        for scoring, items in by_artifact.items():
            scoring.ranking.check([model_id for item, _ in items for model_id in item.model_ids])
            await self._rank(items, scoring, _salt(context), context.time_remaining())
        return response

    async def StreamRankModels(
        self,
        request_iterator: AsyncIterator[pb.StreamRankModelsRequest],
        context: Context,
    ) -> AsyncIterator[pb.StreamRankModelsResponse]:
        """Ranks models for a stream of queries, in order."""
        # Two chunks are in progress together, so each holds at most half the window.
        limit = min(self._config.stream_window_requests // 2, self._config.max_queue_requests)
        index = 0
        responses_of = partial(self._stream_responses, salt=_salt(context))
        # Closed with the call, so that the work of a cancelled call is cancelled.
        async with (
            aclosing(chunked(request_iterator, limit=max(limit, 1))) as chunks,
            aclosing(ordered_map(chunks, responses_of, window=2)) as ranked,
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
        """Returns the description of an artifact and the limits of the service."""
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
            artifact_names=self._artifacts.names,
            precision=runtime.precision,
        )

    async def _stream_responses(
        self, requests: Sequence[pb.StreamRankModelsRequest], *, salt: str
    ) -> list[pb.StreamRankModelsResponse]:
        """Returns the response to each request: its ranking or its error."""
        responses = [pb.StreamRankModelsResponse() for _ in requests]
        by_artifact: dict[Scoring, list[int]] = {}
        for index, item in enumerate(requests):
            try:
                by_artifact.setdefault(self._scoring_of(item.request, "request."), []).append(index)
            except RouteMoAError as error:
                _fail(responses[index], error)
        for scoring, indices in by_artifact.items():
            items = [(requests[index].request, responses[index].ranking) for index in indices]
            try:
                await self._rank(items, scoring, salt, None)
            except RouteMoAError as error:
                for index in indices:
                    _fail(responses[index], error)
        return responses

    async def _rank(
        self,
        items: Sequence[RankingItem],
        scoring: Scoring,
        salt: str,
        remaining_s: float | None,
    ) -> None:
        """Scores queries together and fills their responses."""
        queries = [request.query for request, _ in items]
        outcomes = await scoring.score(queries, remaining_s, salt)
        shadow = self._shadow if scoring is self._artifacts.default else None
        for (request, response), outcome in zip(items, outcomes, strict=True):
            if shadow is not None:
                shadow.observe(request.query, salt, scoring, outcome)
            fill_ranking(response, request, outcome, scoring)

    def _scoring_of(self, request: pb.RankModelsRequest, prefix: str) -> Scoring:
        """Checks a request and returns its artifact; `prefix` is the path of its fields."""
        violations = Violations()
        scoring = self._checked(request, prefix, violations)
        violations.raise_if_any()
        scoring.ranking.check(request.model_ids)
        return scoring

    def _checked(
        self, request: pb.RankModelsRequest, prefix: str, violations: Violations
    ) -> Scoring:
        violations.query(f"{prefix}query", request.query)
        if request.HasField("team_size"):
            violations.within(f"{prefix}team_size", request.team_size, 1, MAX_TEAM_SIZE)
        length = len(request.rollout_key)
        if length > MAX_ROLLOUT_KEY_CHARACTERS:
            limit = f"must have at most {MAX_ROLLOUT_KEY_CHARACTERS} characters, has {length:,}"
            violations.add(f"{prefix}rollout_key", limit)
        return self._scoring(request.artifact, f"{prefix}artifact", violations)

    def _scoring(self, name: str, field: str, violations: Violations) -> Scoring:
        scoring = self._artifacts.get(name) if name else self._artifacts.default
        if scoring is not None:
            return scoring
        known = ", ".join(self._artifacts.names) or "left out"
        violations.add(field, f"must be {known}, is {name[:100]}")
        return self._artifacts.default


def _salt(context: Context) -> str:
    """Returns a text that keeps a caller apart: its salt, and the names in its certificate if any."""
    salt = ""
    for key, value in context.invocation_metadata() or ():
        if key == CACHE_SALT_KEY and isinstance(value, str):
            salt = value
    names = context.peer_identities()
    return f"{salt}/{b'/'.join(names).hex()}" if names else salt


def _fail(response: pb.StreamRankModelsResponse, error: RouteMoAError) -> None:
    response.error.reason = error_reason_pb2.ErrorReason.Value(error.reason)
    response.error.message = error.message
