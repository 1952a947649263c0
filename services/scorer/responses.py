"""Writes the ranking of a query into a response."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration

    from routemoa.v1 import scorer_service_pb2 as pb
    from services.scorer.outcome import ScoredQuery
    from services.scorer.scoring import Scoring


def fill_ranking(
    response: pb.RankModelsResponse,
    request: pb.RankModelsRequest,
    outcome: ScoredQuery,
    scoring: Scoring,
) -> None:
    """Writes the ranking of the models that a request asks for.

    Args:
        response: An empty message. It is passed in, since it may be part of another message: a new
            one would have to be copied there.
        request: A request whose models are all in the artifact.
        outcome: The outcome of its query.
        scoring: The artifact that scored it.
    """
    ranking, uncertainty = scoring.ranking, outcome.uncertainty
    model_ids = tuple(request.model_ids)
    if model_ids:  # the outcome's is that of all models
        uncertainty = ranking.uncertainty(outcome.scores, outcome.class_weights, model_ids)
    response.truncated = outcome.truncated
    response.scorer_version = scoring.runtime.version
    response.uncertainty = uncertainty
    # Messages that are added in place and set field by field take half the time of copied ones.
    add = response.model_scores.add
    for model_id, score, tokens in ranking.best_first(
        outcome.scores, outcome.completion_tokens, model_ids
    ):
        item = add()
        item.model_id, item.score = model_id, score
        if tokens is not None:
            item.expected_completion_token_count = tokens
    if request.team_size:
        team = ranking.team(outcome.scores, outcome.class_weights, model_ids, request.team_size)
        response.team_model_ids.extend(team)
    timing, message = outcome.timing, response.timing
    _set(message.queue_duration, timing.queue_s)
    _set(message.tokenization_duration, timing.tokenization_s)
    _set(message.inference_duration, timing.inference_s)


def _set(duration: Duration, span_s: float) -> None:
    seconds = int(span_s)
    duration.seconds = seconds
    duration.nanos = int((span_s - seconds) * 1e9)
