"""Prior scores from the scorer service, with substitutes for missing ones.

If the scorer is down, or does not know a model, priors come from the pool file, else from estimates.
Each substitution is reported in the result and counted.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import grpc
import structlog
from prometheus_client import Counter

from routemoa.v1 import scorer_service_pb2, scorer_service_pb2_grpc
from services.router.dependencies.priors import KnownModels, Priors, pool_priors, scored_priors
from services.router.dependencies.remote import (
    DependencyDownError,
    count_fallback,
    report_fallback,
)
from services.router.model_priors.matching import ScorerModels
from services.router.pool.pool import ModelSet
from services.router.routing.events import Dependency
from services.router.routing.ranking import RolloutForecast
from services.rpc.interceptors.call import CACHE_SALT_KEY
from services.rpc.validation import listed

if TYPE_CHECKING:
    from collections.abc import Collection

    from services.router.dependencies.remote import Remote
    from services.router.types.conversation import Conversation
    from services.router.types.deadline import Deadline

QUERY_HASH_KEY = "x-routemoa-query-hash"
"""The header by which calls with one query reach the same scorer, whose cache has its scores."""
ARTIFACT_MISMATCHES = Counter(
    "routemoa_router_artifact_mismatches_total",
    "Rankings with a model that neither the scorer nor the pool file gives a score; it was guessed.",
)
_log = structlog.get_logger()


class _Artifact:
    """An artifact that the scorer serves.

    Args:
        model_ids: Its models.
    """

    def __init__(self, model_ids: Collection[str]) -> None:
        self._models = ScorerModels(model_ids)
        self._known = WeakKeyDictionary[ModelSet, KnownModels]()

    def known(self, models: ModelSet) -> KnownModels:
        """Returns which models of a pool it knows."""
        known = self._known.get(models)
        if known is None:
            known = self._known[models] = KnownModels.of(models, self._models)
        return known


class Scorer:
    """Returns prior scores from the scorer service, or else from the pool file."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._artifacts: dict[str, _Artifact] = {}
        """By version: the one in use, or the two of a rollout."""
        self._logged_ids: set[str] = set()

    async def priors(
        self,
        conversation: Conversation,
        models: ModelSet,
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
            response, known = await self._rank(conversation, models, team_size, deadline)
        except DependencyDownError as error:
            priors = pool_priors(models, error.reason)
            assert priors.fallback is not None  # noqa: S101  # `pool_priors` are one
            report_fallback(priors.fallback, error.code)
            return priors
        priors = scored_priors(response, models, known)
        if response.HasField("rollout"):
            rollout = self._rollout(response.rollout, models)
            priors = replace(priors, forecast=replace(priors.forecast, rollout=rollout))
        if priors.guessed_ids:
            self._report_guesses(priors)
        return priors

    def _report_guesses(self, priors: Priors) -> None:
        """Counts a ranking with unknown models, and logs each of these models once."""
        ARTIFACT_MISMATCHES.inc()
        count_fallback(Dependency.SCORER)
        if self._logged_ids.issuperset(priors.guessed_ids):
            return
        self._logged_ids.update(priors.guessed_ids)
        _log.warning(
            "models_unknown_to_scorer",
            missing_model_ids=listed(priors.guessed_ids),
            scorer_version=priors.forecast.scorer_version,
            advice="their scores are guessed; a prior_score or scorer_model in the pool file, or an "
            "artifact that knows them, is better",
        )

    async def _rank(
        self,
        conversation: Conversation,
        models: ModelSet,
        team_size: int | None,
        deadline: Deadline,
    ) -> tuple[scorer_service_pb2.RankModelsResponse, KnownModels]:
        """Returns the response for the models that the scorer is known to know, and which they are.

        Other models are not asked for, so that the scorer's team has none of them.
        """
        known = {v: artifact.known(models) for v, artifact in self._artifacts.items()}
        asked = dict.fromkeys(chain.from_iterable(each.by_scorer_id for each in known.values()))
        request = scorer_service_pb2.RankModelsRequest(
            query=conversation.query,
            model_ids=asked,
            team_size=team_size,
            rollout_key=conversation.thread,
        )
        salt = conversation.cache_salt
        salted = ((CACHE_SALT_KEY, salt),) if salt else ()
        metadata = ((QUERY_HASH_KEY, _hash(conversation.query, salt)), *salted)
        stub = scorer_service_pb2_grpc.ScorerServiceStub(self._remote.channel)
        try:
            response = await self._remote.call(stub.RankModels, request, deadline, metadata)
        except DependencyDownError as error:
            if error.code is not grpc.StatusCode.NOT_FOUND or not request.model_ids:
                raise
            # The scorer serves another artifact now, which does not know them all.
            self._artifacts = {}
            request.ClearField("model_ids")
            response = await self._remote.call(stub.RankModels, request, deadline, metadata)
        if not request.model_ids:
            self._learn(response)
            return response, self._artifacts[response.scorer_version].known(models)
        if any(ranking.scorer_version not in known for ranking in _rankings(response)):
            self._artifacts = {}  # they are learned at the next call
        return response, known.get(response.scorer_version) or next(iter(known.values()))

    def _learn(self, response: scorer_service_pb2.RankModelsResponse) -> None:
        """Keeps the models of each ranking for all models of its artifact, unless they are known."""
        self._artifacts = {
            ranking.scorer_version: self._artifacts.get(ranking.scorer_version)
            or _Artifact([score.model_id for score in ranking.model_scores])
            for ranking in _rankings(response)
        }

    def _rollout(
        self, rollout: scorer_service_pb2.RolloutRanking, models: ModelSet
    ) -> RolloutForecast | None:
        """Returns a rollout with the other artifact's scores; None until its models are known."""
        artifact = self._artifacts.get(rollout.other.scorer_version)
        if artifact is None:
            return None
        other = scored_priors(rollout.other, models, artifact.known(models))
        return RolloutForecast(
            id=rollout.rollout_id,
            from_candidate=rollout.from_candidate,
            candidate_probability=rollout.candidate_probability,
            other_version=rollout.other.scorer_version,
            other_scores=other.scores,
            other_uncertainty=other.forecast.uncertainty,
            other_team_ids=other.forecast.team_ids,
        )


def _hash(query: str, salt: str) -> str:
    """Returns a hash that is the same for queries with the same entry in a scorer's cache."""
    key = blake2b(salt.encode()).digest() if salt else b""
    return blake2b(query.strip().encode("utf-8", "replace"), digest_size=8, key=key).hexdigest()


def _rankings(
    response: scorer_service_pb2.RankModelsResponse,
) -> list[scorer_service_pb2.RankModelsResponse]:
    """Returns the ranking that counts, and during a rollout that of the other artifact."""
    return [response, response.rollout.other] if response.HasField("rollout") else [response]
