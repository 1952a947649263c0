"""Prior scores from the scorer service, with substitutes for missing ones.

If the scorer is down, priors come from the pool file. A model that the scorer does not know has a mean
score. Each substitution is reported in the result and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import grpc
import structlog
from prometheus_client import Counter

from routemoa.v1 import scorer_service_pb2, scorer_service_pb2_grpc
from services.router.dependencies.remote import (
    DependencyDownError,
    count_fallback,
    report_fallback,
)
from services.router.routing.events import Dependency, Fallback, FallbackReason, Substitute
from services.router.routing.ranking import Forecast
from services.rpc.interceptors.call import CACHE_SALT_KEY
from services.rpc.validation import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.dependencies.remote import Remote
    from services.router.pool.model import PoolModel
    from services.router.types.conversation import Conversation
    from services.router.types.deadline import Deadline

ARTIFACT_MISMATCHES = Counter(
    "routemoa_router_artifact_mismatches_total",
    "Rankings with a model that neither the scorer nor the pool file gives a score; it had a mean.",
)
_log = structlog.get_logger()
UNKNOWN_PRIOR = 0.5
"""Prior of a model if neither the scorer nor the pool file gives any score."""

UNKNOWN_MODELS = Fallback(
    dependency=Dependency.SCORER,
    reason=FallbackReason.UNKNOWN_MODELS,
    substitute=Substitute.MEAN_PRIOR,
)
"""The fallback for models that the scorer does not know and that have no `prior_score`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priors:
    """Scores by model id, and the forecast that came with them."""

    scores: Mapping[str, float]
    forecast: Forecast
    fallback: Fallback | None = None
    missing_ids: tuple[str, ...] = ()
    """Models that have a mean score, since neither the scorer nor the pool file gives them one."""


def pool_priors(models: Sequence[PoolModel], reason: FallbackReason) -> Priors:
    """Returns the pool file's scores, for a scorer that failed for a reason."""
    return Priors(
        scores={m.id: UNKNOWN_PRIOR if m.prior_score is None else m.prior_score for m in models},
        forecast=Forecast(is_substitute=True),
        fallback=Fallback(
            dependency=Dependency.SCORER, reason=reason, substitute=Substitute.POOL_PRIORS
        ),
    )


def scored_priors(
    response: scorer_service_pb2.RankModelsResponse, models: Sequence[PoolModel]
) -> Priors:
    """Returns the scorer's scores; an unknown model has its `prior_score`, or else a mean.

    The mean is taken over the known models of the pool. If none is known, it is taken over all models
    that the scorer scored, and nothing is known of the query.
    """
    scored = {score.model_id: score.score for score in response.model_scores}
    known = [scored[m.id] for m in models if m.id in scored]
    mean = fmean(known or scored.values() or [UNKNOWN_PRIOR])
    own = {m.id: scored.get(m.id, m.prior_score) for m in models}
    missing = tuple(sorted(model_id for model_id, score in own.items() if score is None))
    forecast = Forecast(
        completion_tokens={
            score.model_id: score.expected_completion_token_count
            for score in response.model_scores
            if score.HasField("expected_completion_token_count")
        },
        # If no model is known, team and uncertainty are those of other models.
        team_ids=tuple(response.team_model_ids) if known else (),
        uncertainty=response.uncertainty if known and response.HasField("uncertainty") else None,
        is_substitute=not known,
        scorer_version=response.scorer_version,
    )
    return Priors(
        scores={model_id: mean if score is None else score for model_id, score in own.items()},
        forecast=forecast,
        fallback=UNKNOWN_MODELS if missing else None,
        missing_ids=missing,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Artifact:
    """The artifact that the scorer serves."""

    version: str
    model_ids: frozenset[str]


class Scorer:
    """Returns prior scores from the scorer service, or else from the pool file."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._artifact: _Artifact | None = None
        self._logged_ids: set[str] = set()

    async def priors(
        self,
        conversation: Conversation,
        models: Sequence[PoolModel],
        team_size: int | None,
        deadline: Deadline,
    ) -> Priors:
        """Returns a score for every model.

        Args:
            conversation: The conversation. Other tenants cannot find out by the scorer's cache whether
                its query was asked before.
            models: The models that may run.
            team_size: Number of models that will run together; None if they need not complement one
                another.
            deadline: The deadline of the call.
        """
        try:
            response = await self._rank(conversation, models, team_size, deadline)
        except DependencyDownError as error:
            priors = pool_priors(models, error.reason)
            assert priors.fallback is not None  # noqa: S101  # `pool_priors` are one
            report_fallback(priors.fallback, error.code)
            return priors
        priors = scored_priors(response, models)
        if priors.missing_ids:
            self._report_missing(priors)
        return priors

    def _report_missing(self, priors: Priors) -> None:
        """Counts a ranking with unknown models, and logs each of these models once."""
        ARTIFACT_MISMATCHES.inc()
        count_fallback(Dependency.SCORER)
        if self._logged_ids.issuperset(priors.missing_ids):
            return
        self._logged_ids.update(priors.missing_ids)
        _log.warning(
            "models_unknown_to_scorer",
            missing_model_ids=listed(priors.missing_ids),
            scorer_version=priors.forecast.scorer_version,
            advice="give them a prior_score in the pool file, or train the artifact on them",
        )

    async def _rank(
        self,
        conversation: Conversation,
        models: Sequence[PoolModel],
        team_size: int | None,
        deadline: Deadline,
    ) -> scorer_service_pb2.RankModelsResponse:
        """Requests the models that the scorer is known to know, so that its team has no others."""
        known = self._artifact.model_ids if self._artifact is not None else frozenset()
        request = scorer_service_pb2.RankModelsRequest(
            query=conversation.query,
            model_ids=[m.id for m in models if m.id in known],
            team_size=team_size,
        )
        salt = conversation.cache_salt
        metadata = ((CACHE_SALT_KEY, salt),) if salt else ()
        stub = scorer_service_pb2_grpc.ScorerServiceStub(self._remote.channel)
        try:
            response = await self._remote.call(stub.RankModels, request, deadline, metadata)
        except DependencyDownError as error:
            if error.code is not grpc.StatusCode.NOT_FOUND or not request.model_ids:
                raise
            # The scorer serves another artifact now, which does not know them all.
            request.ClearField("model_ids")
            response = await self._remote.call(stub.RankModels, request, deadline, metadata)
        if not request.model_ids:
            self._artifact = _Artifact(
                version=response.scorer_version,
                model_ids=frozenset(score.model_id for score in response.model_scores),
            )
        elif self._artifact is not None and response.scorer_version != self._artifact.version:
            self._artifact = None
        return response
