"""Ranks a query on both arms of a rollout. The candidate's failure never fails a call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from routemoa.errors import RouteMoAError
from routemoa.v1 import scorer_service_pb2 as pb
from scorer.rollout.assignment import takes_candidate
from services.scorer.batching.batcher import BatchFailedError
from services.scorer.metrics import ROLLOUT_QUERIES
from services.scorer.responses import fill_ranking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scorer.rollout.rollout import Rollout
    from services.scorer.outcome import ScoredQuery
    from services.scorer.scoring import Scoring

CANDIDATE_TIMEOUT_S = 0.5
"""Longest time that a call waits for the candidate; after it, the active artifact answers alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """The two artifacts of a rollout."""

    rollout: Rollout
    active: Scoring
    candidate: Scoring

    async def rank(
        self,
        request: pb.RankModelsRequest,
        response: pb.RankModelsResponse,
        salt: str,
        remaining_s: float | None,
    ) -> None:
        """Fills a response with the ranking of the query's arm, and with the other one.

        Args:
            request: A request that is valid, but may name unknown models.
            response: An empty message.
            salt: Keeps callers apart in the cache.
            remaining_s: Time until the caller's deadline; None if it has none.

        Raises:
            ModelNotFoundError: Neither artifact knows a model, or the active one knows none of them.
            OverloadedError: The active artifact cannot score the query in time.
        """
        active_ids = self._known_ids(request.model_ids)
        candidate_ids = _known(self.candidate, request.model_ids)
        texts = [request.query]
        scored = asyncio.create_task(self._candidate_outcome(texts, salt, remaining_s))
        try:
            (outcome,) = await self.active.score(texts, remaining_s, salt)
            candidate_outcome = await scored
        finally:
            scored.cancel()
        if candidate_outcome is None or (request.model_ids and not candidate_ids):
            ROLLOUT_QUERIES.labels("failed").inc()
            _fill(response, request, active_ids, outcome, self.active)
            return
        key = request.rollout_key or request.query
        share = self.rollout.share
        from_candidate = takes_candidate(self.rollout.id, key, share)
        message = response.rollout
        message.rollout_id = self.rollout.id
        message.from_candidate = from_candidate
        message.candidate_probability = share
        active, candidate = (
            (message.other, response) if from_candidate else (response, message.other)
        )
        _fill(active, request, active_ids, outcome, self.active)
        _fill(candidate, request, candidate_ids, candidate_outcome, self.candidate)
        ROLLOUT_QUERIES.labels("candidate" if from_candidate else "active").inc()

    def _known_ids(self, model_ids: Sequence[str]) -> list[str]:
        """Returns the ids that the active artifact knows; raises if it knows none of them."""
        known = _known(self.active, model_ids)
        unknown = self.active.ranking.unknown(model_ids)
        if not known or self.candidate.ranking.unknown(unknown):
            self.active.ranking.check(unknown)
        return known

    async def _candidate_outcome(
        self, texts: Sequence[str], salt: str, remaining_s: float | None
    ) -> ScoredQuery | None:
        """Returns the candidate's outcome; None if it fails or is late."""
        try:
            async with asyncio.timeout(CANDIDATE_TIMEOUT_S):
                (outcome,) = await self.candidate.score(texts, remaining_s, salt)
        except (RouteMoAError, BatchFailedError, TimeoutError):
            return None
        return outcome


def _known(scoring: Scoring, model_ids: Sequence[str]) -> list[str]:
    unknown = set(scoring.ranking.unknown(model_ids))
    return [model_id for model_id in model_ids if model_id not in unknown]


def _fill(
    response: pb.RankModelsResponse,
    request: pb.RankModelsRequest,
    model_ids: Sequence[str],
    outcome: ScoredQuery,
    scoring: Scoring,
) -> None:
    """Fills a response with the ranking of the models that an artifact knows."""
    team_size = request.team_size if request.HasField("team_size") else None
    known = pb.RankModelsRequest(model_ids=model_ids, team_size=team_size)
    fill_ranking(response, known, outcome, scoring)
