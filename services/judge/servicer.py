"""Answers JudgeService: checks the request, weighs the evidence, sorts the models."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter

from routemoa.v1 import judge_service_pb2 as pb
from routemoa.v1 import judge_service_pb2_grpc, model_pb2
from services.judge.answer_scorer import NO_ANSWER_SCORER
from services.judge.assessment import AnswerScores, Grade, assess
from services.judge.belief import grade_evidence, posterior_scores, self_evidence, text_evidence
from services.judge.records import NO_RECORDS, Lack
from services.rpc.validation import Violations, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import grpc.aio

    from services.judge.answer_scorer import AnswerScorer
    from services.judge.assessment import ModelScores
    from services.judge.belief import Weights
    from services.judge.records import Records

MAX_ANSWER_COUNT = 64
MAX_QUERY_CHARACTERS = 100_000
_CUT_OFF = {
    model_pb2.FINISH_REASON_LENGTH,
    model_pb2.FINISH_REASON_CONTENT_FILTER,
    model_pb2.FINISH_REASON_DEADLINE,
}

_BELIEF_FALLBACKS = {None: pb.BELIEF_FALLBACK_UNSPECIFIED} | {
    lack: pb.BeliefFallback.Value(f"BELIEF_FALLBACK_{lack.name}") for lack in Lack
}

FALLBACKS = Counter(
    "routemoa_judge_belief_fallbacks_total",
    "Assessments without the learned parameters of belief, by reason.",
    ["reason"],
)
IGNORED_SCORES = Counter(
    "routemoa_judge_ignored_scores_total", "Self-scores and grades that were ignored."
)


class JudgeServicer(judge_service_pb2_grpc.JudgeServiceServicer):
    """Answers AssessAnswers with one answer scorer, and what is known of the models' words."""

    def __init__(
        self,
        weights: Weights,
        answer_scorer: AnswerScorer = NO_ANSWER_SCORER,
        records: Records = NO_RECORDS,
    ) -> None:
        self._weights = weights
        self._answer_scorer = answer_scorer
        self._records = records

    async def AssessAnswers(
        self,
        request: pb.AssessAnswersRequest,
        context: grpc.aio.ServicerContext[Any, Any],  # noqa: ARG002  # gRPC's signature
    ) -> pb.AssessAnswersResponse:
        """Returns one posterior score per model, from its prior score, its text and what models say."""
        _check(request)
        scores = assess(_scores_of(request.answers), _scores_of(request.previous_answers))
        IGNORED_SCORES.inc(scores.ignored_count)
        priors = {prior.model_id: prior.score for prior in request.prior_scores}
        answered = {answer.model_id for answer in (*request.answers, *request.previous_answers)}
        answer_scores = await self._answer_scorer.scores(
            request.query, _newest_texts(request), priors
        )
        parameters, lack = self._records.of(answered)
        weights = replace(self._weights, parameters=parameters)
        if lack is not None:
            FALLBACKS.labels(lack.name.lower()).inc()
        known = self._answer_scorer.model_ids
        shares = {m: weights.of_text(is_known=m in known) for m in answer_scores}
        sources = [
            text_evidence(priors, answer_scores, shares),
            self_evidence(scores.self_scores, weights),
            grade_evidence(scores.grades, weights),
        ]
        priors = {model_id: priors[model_id] for model_id in answered}
        posteriors = posterior_scores(priors, sources, _cut_off_ids(request))
        assessments = [
            _assessment(model_id, posterior, scores, answer_scores)
            for model_id, posterior in posteriors.items()
        ]
        assessments.sort(key=lambda item: (-item.posterior_score, item.model_id))
        return pb.AssessAnswersResponse(
            assessments=assessments,
            ignored_score_count=scores.ignored_count,
            reads_texts=self._answer_scorer.reads_texts,
            unweighed_model_ids=sorted(m for m, share in shares.items() if share == 0),
            belief_version="" if parameters is None else parameters.version,
            belief_fallback=_BELIEF_FALLBACKS[lack],
        )


def _assessment(
    model_id: str, posterior: float, scores: ModelScores, answer_scores: Mapping[str, float]
) -> model_pb2.Assessment:
    return model_pb2.Assessment(
        model_id=model_id,
        posterior_score=posterior,
        self_score=scores.self_scores.get(model_id),
        cross_score=scores.cross_scores.get(model_id),
        answer_score=answer_scores.get(model_id),
    )


def _cut_off_ids(request: pb.AssessAnswersRequest) -> frozenset[str]:
    """Returns the models whose newest answer was cut off."""
    newest = {
        answer.model_id: answer.finish_reason
        for answer in (*request.previous_answers, *request.answers)
    }
    return frozenset(m for m, reason in newest.items() if reason in _CUT_OFF)


def _newest_texts(request: pb.AssessAnswersRequest) -> dict[str, str]:
    """Returns the text of each model's newest answer."""
    texts = {a.model_id: a.text for a in (*request.previous_answers, *request.answers)}
    return {model_id: text for model_id, text in texts.items() if text.strip()}


def _scores_of(answers: Sequence[model_pb2.Answer]) -> list[AnswerScores]:
    return [
        AnswerScores(
            model_id=answer.model_id,
            self_score=answer.self_score if answer.HasField("self_score") else None,
            grades=tuple(Grade(model_id=g.model_id, score=g.score) for g in answer.grades),
        )
        for answer in answers
    ]


def _check(request: pb.AssessAnswersRequest) -> None:
    violations = Violations()
    violations.length("answers", request.answers, 1, MAX_ANSWER_COUNT)
    violations.length("query", request.query, 0, MAX_QUERY_CHARACTERS)
    violations.length("previous_answers", request.previous_answers, 0, MAX_ANSWER_COUNT)
    for index, prior in enumerate(request.prior_scores):
        violations.within(f"prior_scores[{index}].score", prior.score, 0, 1)
    known = _checked_ids(violations, "prior_scores", request.prior_scores)
    answered = _checked_ids(violations, "answers", request.answers)
    answered |= _checked_ids(violations, "previous_answers", request.previous_answers)
    if missing := sorted(answered - known):
        description = f"must have a score for every model that answered; missing: {listed(missing)}"
        violations.add("prior_scores", description)
    violations.raise_if_any()


def _checked_ids(
    violations: Violations, field: str, items: Sequence[model_pb2.Answer | model_pb2.ModelScore]
) -> set[str]:
    """Returns the distinct non-empty ids; records a violation for each other one."""
    seen: set[str] = set()
    for index, item in enumerate(items):
        if not item.model_id:
            violations.add(f"{field}[{index}].model_id", "must not be empty")
        elif item.model_id in seen:
            violations.add(f"{field}[{index}].model_id", "must not be given twice")
        else:
            seen.add(item.model_id)
    return seen
