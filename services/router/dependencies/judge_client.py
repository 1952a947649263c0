"""Assessments from the judge service; if it is down, the prior scores stand as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routemoa.v1 import judge_service_pb2, judge_service_pb2_grpc, model_pb2
from services.router.dependencies.remote import DependencyDownError, report_fallback
from services.router.routing.events import (
    Answer,
    Assessment,
    Dependency,
    Fallback,
    FallbackReason,
    Substitute,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.dependencies.remote import Remote
    from services.router.types.deadline import Deadline

MAX_TEXT_CHARACTERS = 20_000
"""Longer answers are cut in the middle for the judge; answers conclude at their end."""

_REASONS = {
    judge_service_pb2.BELIEF_FALLBACK_MISSING: FallbackReason.UNAVAILABLE,
    judge_service_pb2.BELIEF_FALLBACK_NEWER: FallbackReason.MALFORMED,
    judge_service_pb2.BELIEF_FALLBACK_INVALID: FallbackReason.MALFORMED,
    judge_service_pb2.BELIEF_FALLBACK_FOREIGN: FallbackReason.UNKNOWN_MODELS,
}
_EQUAL_WEIGHTS = {
    belief_fallback: Fallback(
        dependency=Dependency.JUDGE, reason=reason, substitute=Substitute.EQUAL_WEIGHTS
    )
    for belief_fallback, reason in _REASONS.items()
}
"""The fallbacks of a judge that has not used the parameters that it was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judge's assessments, or their substitute."""

    assessments: tuple[Assessment, ...]
    fallback: Fallback | None = None


class Judge:
    """Returns assessments from the judge service, or else the priors."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._reads_texts: bool | None = None  # until the judge says
        self._unweighed: frozenset[str] = frozenset()

    @property
    def unweighed_ids(self) -> frozenset[str] | None:
        """The models whose texts weigh nothing, as far as the judge has said; None if no text does."""
        return None if self._reads_texts is False else self._unweighed

    async def assess(
        self,
        answers: Sequence[Answer],
        previous: Sequence[Answer],
        priors: Mapping[str, float],
        deadline: Deadline,
        query: str = "",
    ) -> Verdict:
        """Returns the posterior score of every model that answered in either layer.

        Query and texts are sent only to a judge that reads them. One that says so in its first response
        is asked once more.
        """
        ran = sorted({answer.model_id for answer in (*answers, *previous)})
        prior_scores = [model_pb2.ModelScore(model_id=m, score=priors[m]) for m in ran]

        async def ask(*, with_texts: bool) -> judge_service_pb2.AssessAnswersResponse:
            request = judge_service_pb2.AssessAnswersRequest(
                answers=[_message(answer, with_text=with_texts) for answer in answers],
                previous_answers=[_message(answer, with_text=with_texts) for answer in previous],
                prior_scores=prior_scores,
                query=query if with_texts else "",
            )
            stub = judge_service_pb2_grpc.JudgeServiceStub(self._remote.channel)
            return await self._remote.call(stub.AssessAnswers, request, deadline)

        try:
            with_texts = bool(self._reads_texts and query)
            response = await ask(with_texts=with_texts)
            self._reads_texts = response.reads_texts
            if response.reads_texts and query and not with_texts:
                response = await ask(with_texts=True)
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
        if with_texts or response.reads_texts:
            self._unweighed = self._unweighed.difference(ran) | {*response.unweighed_model_ids}
        return Verdict(
            assessments=tuple(_assessment(a) for a in response.assessments),
            fallback=_EQUAL_WEIGHTS.get(response.belief_fallback),
        )


def _message(answer: Answer, *, with_text: bool) -> model_pb2.Answer:
    """Returns the scores and the end of an answer, and its text if the judge reads it."""
    return model_pb2.Answer(
        model_id=answer.model_id,
        text=_shortened(answer.text) if with_text else "",
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


def _shortened(text: str) -> str:
    """Returns a text, or half of its most characters from its start and half from its end."""
    if len(text) <= MAX_TEXT_CHARACTERS:
        return text
    half = MAX_TEXT_CHARACTERS // 2
    return text[:half] + text[-half:]


def _assessment(message: model_pb2.Assessment) -> Assessment:
    return Assessment(
        model_id=message.model_id,
        posterior_score=message.posterior_score,
        self_score=message.self_score if message.HasField("self_score") else None,
        cross_score=message.cross_score if message.HasField("cross_score") else None,
        answer_score=message.answer_score if message.HasField("answer_score") else None,
    )
