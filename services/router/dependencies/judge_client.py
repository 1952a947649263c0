"""Assessments from the judge service; if it is down, the prior scores stand as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routemoa.v1 import judge_service_pb2, judge_service_pb2_grpc, model_pb2
from services.router.dependencies.remote import DependencyDownError, report_fallback
from services.router.routing.events import Answer, Assessment, Dependency, Fallback, Substitute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.dependencies.remote import Remote
    from services.router.types.deadline import Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judge's assessments, or their substitute."""

    assessments: tuple[Assessment, ...]
    fallback: Fallback | None = None


class Judge:
    """Returns assessments from the judge service, or else the priors."""

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
                reason=error.reason,
                substitute=Substitute.PRIOR_SCORES,
            )
            report_fallback(fallback, error.code)
            by_prior = sorted(ran, key=lambda model_id: (-priors[model_id], model_id))
            return Verdict(
                assessments=tuple(
                    Assessment(model_id=m, posterior_score=priors[m]) for m in by_prior
                ),
                fallback=fallback,
            )
        return Verdict(assessments=tuple(_assessment(a) for a in response.assessments))


def _without_text(answer: Answer) -> model_pb2.Answer:
    """Returns the scores and the end of an answer; the judge needs no text."""
    return model_pb2.Answer(
        model_id=answer.model_id,
        self_score=answer.self_score,
        grades=[
            model_pb2.Grade(model_id=model_id, score=score)
            for model_id, score in answer.grades.items()
        ],
        finish_reason=(
            model_pb2.FinishReason.Value(f"FINISH_REASON_{answer.finish_reason.name}")
            if answer.finish_reason is not None
            else model_pb2.FINISH_REASON_UNSPECIFIED
        ),
    )


def _assessment(message: model_pb2.Assessment) -> Assessment:
    return Assessment(
        model_id=message.model_id,
        posterior_score=message.posterior_score,
        self_score=message.self_score if message.HasField("self_score") else None,
        cross_score=message.cross_score if message.HasField("cross_score") else None,
    )
