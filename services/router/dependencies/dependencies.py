"""The scorer and the judge, behind breakers, with their substitutes.

Either may be down without the router failing: priors then come from the pool file, and posteriors are
the priors. Each substitution is reported in the result and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc
import grpc.aio
import structlog
from prometheus_client import Counter

from routemoa.errors import ModelPoolMismatchError
from routemoa.v1 import (
    judge_service_pb2,
    judge_service_pb2_grpc,
    model_pb2,
    scorer_service_pb2,
    scorer_service_pb2_grpc,
)
from services.router.engine.metrics import ARTIFACT_MISMATCHES
from services.router.routing.events import Answer, Assessment, Dependency, Fallback, Substitute
from services.router.routing.forecast import Forecast
from services.rpc.telemetry import BREAKER_OPEN
from services.rpc.validation import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.pool.pool import PoolModel
    from services.router.types.deadline import Deadline
    from services.rpc.breaker import Breaker
    from services.rpc.channel import Connection

TIME_SHARE = 0.5
"""Share of the time left that scorer or judge may take: what comes after them needs some, too."""
UNKNOWN_PRIOR = 0.5
"""Prior of a model that neither the scorer nor the pool file says anything of."""

_BREAKER_STATUS = "BREAKER_OPEN"
_FALLBACKS = Counter(
    "routemoa_router_fallbacks_total", "Substitutions, by dependency.", ["dependency"]
)
_log = structlog.get_logger()
RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class DependencyDownError(Exception):
    """A dependency that gave no answer.

    Args:
        status: The name of its gRPC status, or that its breaker is open.
    """

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Priors:
    """A score per model that was asked about, and what else is expected of them."""

    scores: Mapping[str, float]
    forecast: Forecast
    fallback: Fallback | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Artifact:
    """What the scorer serves: a version, and the models that it knows."""

    version: str
    model_ids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judge's view, or its substitute."""

    assessments: tuple[Assessment, ...]
    fallback: Fallback | None = None


def count_fallback(fallback: Fallback) -> None:
    """Counts a substitution and notes it in the log."""
    _FALLBACKS.labels(fallback.dependency.name.lower()).inc()
    _log.warning("fallback", dependency=fallback.dependency.name, status=fallback.status)


class Remote:
    """A dependency's calls: each has a time limit, and none is made while the breaker is open."""

    def __init__(
        self, name: str, connection: Connection, breaker: Breaker, timeout_s: float
    ) -> None:
        self._name = name
        self._connection = connection
        self._breaker = breaker
        self._timeout_s = timeout_s
        BREAKER_OPEN.labels(name).set(0)
        _FALLBACKS.labels(name)  # shows a zero from the start

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel for a new call; another one after TLS files were replaced."""
        return self._connection.channel

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT],
        request: RequestT,
        deadline: Deadline,
    ) -> ResponseT:
        """Returns the response.

        Raises:
            DependencyDownError: There is none.
        """
        if not self._breaker.allows():
            raise DependencyDownError(_BREAKER_STATUS)
        remaining_s = deadline.remaining_s()
        try:
            response = await method(request, timeout=min(self._timeout_s, remaining_s))
        except grpc.aio.AioRpcError as error:
            # A caller in a hurry says nothing of the dependency, and one that is told of its own error
            # was answered.
            hurried = remaining_s < self._timeout_s
            late = hurried and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            if not late and error.code() is not grpc.StatusCode.NOT_FOUND:
                self._breaker.failed()
                BREAKER_OPEN.labels(self._name).set(self._breaker.is_open)
            raise DependencyDownError(error.code().name) from error
        self._breaker.succeeded()
        BREAKER_OPEN.labels(self._name).set(0)
        return response


class Scorer:
    """Prior scores from the scorer service, or from the pool file."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._artifact: _Artifact | None = None

    async def priors(
        self, query: str, models: Sequence[PoolModel], team_size: int, deadline: Deadline
    ) -> Priors:
        """Returns a score for every model.

        Args:
            query: What the models are scored for.
            models: Those that may run.
            team_size: How many are going to run together.
            deadline: When the answer must be there.

        Raises:
            ModelPoolMismatchError: A model is unknown to the scorer and has no prior of its own.
        """
        try:
            response = await self._rank(query, models, team_size, deadline)
        except DependencyDownError as error:
            fallback = Fallback(
                dependency=Dependency.SCORER,
                status=error.status,
                substitute=Substitute.POOL_PRIORS,
            )
            count_fallback(fallback)
            scores = {
                m.id: UNKNOWN_PRIOR if m.prior_score is None else m.prior_score for m in models
            }
            # Nothing is known of this query.
            return Priors(scores=scores, forecast=Forecast(uncertainty=1.0), fallback=fallback)
        forecast = Forecast(
            completion_tokens={
                score.model_id: score.expected_completion_token_count
                for score in response.model_scores
                if score.HasField("expected_completion_token_count")
            },
            team_ids=tuple(response.team_model_ids),
            uncertainty=response.uncertainty,
            scorer_version=response.scorer_version,
        )
        return Priors(scores=_merged(response, models), forecast=forecast)

    async def _rank(
        self, query: str, models: Sequence[PoolModel], team_size: int, deadline: Deadline
    ) -> scorer_service_pb2.RankModelsResponse:
        """Asks about those models that the scorer is known to know, so that its team is of these."""
        known = self._artifact.model_ids if self._artifact is not None else frozenset()
        request = scorer_service_pb2.RankModelsRequest(
            query=query, model_ids=[m.id for m in models if m.id in known], team_size=team_size
        )
        stub = scorer_service_pb2_grpc.ScorerServiceStub(self._remote.channel)
        try:
            response = await self._remote.call(stub.RankModels, request, deadline)
        except DependencyDownError as error:
            if error.status != grpc.StatusCode.NOT_FOUND.name or not request.model_ids:
                raise
            # Another artifact is served now, which does not know them all: ask what it knows.
            request.ClearField("model_ids")
            response = await self._remote.call(stub.RankModels, request, deadline)
        if not request.model_ids:
            self._artifact = _Artifact(
                version=response.scorer_version,
                model_ids=frozenset(score.model_id for score in response.model_scores),
            )
        elif self._artifact is not None and response.scorer_version != self._artifact.version:
            self._artifact = None
        return response


def _merged(
    response: scorer_service_pb2.RankModelsResponse, models: Sequence[PoolModel]
) -> Mapping[str, float]:
    known = {score.model_id: score.score for score in response.model_scores}
    merged = {m.id: known.get(m.id, m.prior_score) for m in models}
    missing = sorted(model_id for model_id, score in merged.items() if score is None)
    if missing:
        ARTIFACT_MISMATCHES.inc()
        raise ModelPoolMismatchError(
            f"the scorer does not know {listed(missing)}; give them a prior_score in the pool "
            "file, or train the artifact on them",
            {
                "scorer_version": response.scorer_version,
                "missing_model_ids": listed(missing),
            },
        )
    return {model_id: score for model_id, score in merged.items() if score is not None}


class Judge:
    """Assessments from the judge service, or the priors as they stand."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def assess(
        self,
        answers: Sequence[Answer],
        previous: Sequence[Answer],
        priors: Mapping[str, float],
        deadline: Deadline,
    ) -> Verdict:
        """Returns the posterior score of every model that answered in either layer."""
        ran = sorted({answer.model_id for answer in (*answers, *previous)})
        request = judge_service_pb2.AssessAnswersRequest(
            answers=[_without_text(answer) for answer in answers],
            previous_answers=[_without_text(answer) for answer in previous],
            prior_scores=[model_pb2.ModelScore(model_id=m, score=priors[m]) for m in ran],
        )
        stub = judge_service_pb2_grpc.JudgeServiceStub(self._remote.channel)
        try:
            response = await self._remote.call(stub.AssessAnswers, request, deadline)
        except DependencyDownError as error:
            fallback = Fallback(
                dependency=Dependency.JUDGE,
                status=error.status,
                substitute=Substitute.PRIOR_SCORES,
            )
            count_fallback(fallback)
            by_prior = sorted(ran, key=lambda model_id: (-priors[model_id], model_id))
            return Verdict(
                assessments=tuple(
                    Assessment(model_id=m, posterior_score=priors[m]) for m in by_prior
                ),
                fallback=fallback,
            )
        return Verdict(assessments=tuple(_assessment(a) for a in response.assessments))


def _without_text(answer: Answer) -> model_pb2.Answer:
    """Returns what the judge reads of an answer: arithmetic needs no text."""
    return model_pb2.Answer(
        model_id=answer.model_id,
        self_score=answer.self_score,
        grades=[
            model_pb2.Grade(model_id=model_id, score=score)
            for model_id, score in answer.grades.items()
        ],
    )


def _assessment(message: model_pb2.Assessment) -> Assessment:
    return Assessment(
        model_id=message.model_id,
        posterior_score=message.posterior_score,
        self_score=message.self_score if message.HasField("self_score") else None,
        cross_score=message.cross_score if message.HasField("cross_score") else None,
    )
