"""The scores of a query's models before any of them runs, with substitutes for missing ones."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from services.router.routing.events import Dependency, Fallback, Substitute
from services.router.routing.ranking import Forecast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routemoa.v1 import scorer_service_pb2
    from services.router.pool.pool import PoolModel

UNKNOWN_PRIOR = 0.5
"""Prior of a model where neither the scorer nor the pool file gives any score."""

UNKNOWN_MODELS = Fallback(
    dependency=Dependency.SCORER, status="UNKNOWN_MODELS", substitute=Substitute.MEAN_PRIOR
)
"""The scorer answered, but does not know every model that lacks a `prior_score`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priors:
    """A score per model that was asked about, and what else is expected of them."""

    scores: Mapping[str, float]
    forecast: Forecast
    fallback: Fallback | None = None
    missing_ids: tuple[str, ...] = ()
    """Models that have a mean score, as neither the scorer nor the pool file gives them one."""


def pool_priors(models: Sequence[PoolModel], status: str) -> Priors:
    """Returns the pool file's scores, for a scorer that failed with a status."""
    return Priors(
        scores={m.id: UNKNOWN_PRIOR if m.prior_score is None else m.prior_score for m in models},
        forecast=Forecast(uncertainty=1.0),  # nothing is known of this query
        fallback=Fallback(
            dependency=Dependency.SCORER, status=status, substitute=Substitute.POOL_PRIORS
        ),
    )


def scored_priors(
    response: scorer_service_pb2.RankModelsResponse, models: Sequence[PoolModel]
) -> Priors:
    """Returns the scorer's scores; a model that it does not know has its `prior_score`, or a mean.

    The mean is that of the known models' scores. If none is known, it is that of all models that the
    scorer scored, and the uncertainty is 1.
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
        # The rest of the response speaks of other models where it knows none of these.
        team_ids=tuple(response.team_model_ids) if known else (),
        uncertainty=response.uncertainty if known else 1.0,
        scorer_version=response.scorer_version,
    )
    return Priors(
        scores={model_id: mean if score is None else score for model_id, score in own.items()},
        forecast=forecast,
        fallback=UNKNOWN_MODELS if missing else None,
        missing_ids=missing,
    )
