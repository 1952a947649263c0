"""What was read of a query -> the message that a caller gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import scorer_service_pb2 as pb

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration

    from services.scorer.outcome import ScoredQuery
    from services.scorer.ranking import Ranking


def ranking_message(
    request: pb.RankModelsRequest, outcome: ScoredQuery, ranking: Ranking, version: str
) -> pb.RankModelsResponse:
    """Returns the ranking of the models that a request asks for.

    Args:
        request: A request whose models the artifact knows.
        outcome: What was read of its query.
        ranking: The artifact's models.
        version: The artifact's.
    """
    uncertainty = outcome.uncertainty
    if request.model_ids:  # some other model may be sure to answer well, and is of no use here
        uncertainty = ranking.uncertainty(outcome.scores, outcome.class_weights, request.model_ids)
    response = pb.RankModelsResponse(
        truncated=outcome.truncated, scorer_version=version, uncertainty=uncertainty
    )
    # Adding in place takes half the time of a list of messages that is then copied.
    add = response.model_scores.add
    for model_id, score, tokens in ranking.best_first(
        outcome.scores, outcome.completion_tokens, request.model_ids
    ):
        add(model_id=model_id, score=score, expected_completion_token_count=tokens)
    if request.team_size:
        team = ranking.team(outcome.class_weights, request.model_ids, request.team_size)
        response.team_model_ids.extend(team)
    timing, message = outcome.timing, response.timing
    _set(message.queue_duration, timing.queue_s)
    _set(message.tokenization_duration, timing.tokenization_s)
    _set(message.inference_duration, timing.inference_s)
    return response


def _set(duration: Duration, span_s: float) -> None:
    seconds = int(span_s)
    duration.seconds = seconds
    duration.nanos = int((span_s - seconds) * 1e9)
