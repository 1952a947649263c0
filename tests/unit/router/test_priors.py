"""Scores of models before they run, where the scorer does not know them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routemoa.v1.model_pb2 import ModelScore
from routemoa.v1.scorer_service_pb2 import RankModelsResponse
from services.router.dependencies.scorer_client import UNKNOWN_PRIOR, pool_priors, scored_priors
from services.router.routing.events import Dependency, FallbackReason, Substitute
from tests.unit.router.pool_models import model

if TYPE_CHECKING:
    from services.router.pool.model import PoolModel


def response(*, uncertainty: float = 0.2, **scores: float) -> RankModelsResponse:
    return RankModelsResponse(
        model_scores=[ModelScore(model_id=m, score=s) for m, s in scores.items()],
        team_model_ids=scores,
        uncertainty=uncertainty,
        scorer_version="v1",
    )


def named(model_id: str, prior_score: float | None = None) -> PoolModel:
    return model(8192).model_copy(update={"id": model_id, "prior_score": prior_score})


A, B, NEW, OWN = named("a"), named("b"), named("new"), named("own", 0.9)


def test_a_pool_that_the_scorer_knows_has_its_scores_and_no_fallback() -> None:
    priors = scored_priors(response(a=0.8, b=0.4, elsewhere=0.1), [A, B])
    assert priors.scores == {"a": 0.8, "b": 0.4}
    assert priors.fallback is None
    assert priors.forecast.uncertainty == 0.2
    assert priors.forecast.scorer_version == "v1"


def test_an_unknown_model_has_the_mean_of_the_pools_known_ones() -> None:
    priors = scored_priors(response(a=0.8, b=0.4, elsewhere=0.0), [A, NEW, B])
    assert priors.scores == {"a": 0.8, "b": 0.4, "new": pytest.approx(0.6)}
    assert priors.missing_ids == ("new",)
    assert priors.fallback is not None
    assert priors.fallback.dependency is Dependency.SCORER
    assert priors.fallback.reason is FallbackReason.UNKNOWN_MODELS
    assert priors.fallback.substitute is Substitute.MEAN_PRIOR
    assert priors.forecast.uncertainty == 0.2


def test_an_unknown_model_with_a_prior_score_has_that_and_no_fallback() -> None:
    priors = scored_priors(response(a=0.8), [A, OWN])
    assert priors.scores == {"a": 0.8, "own": 0.9}
    assert priors.fallback is None
    assert not priors.missing_ids


def test_a_prior_score_of_an_unknown_model_is_no_part_of_the_mean() -> None:
    priors = scored_priors(response(a=0.8), [A, OWN, NEW])
    assert priors.scores == {"a": 0.8, "own": 0.9, "new": 0.8}


def test_where_no_model_is_known_the_mean_is_that_of_the_artifact_and_nothing_is_certain() -> None:
    priors = scored_priors(response(elsewhere=0.3, too=0.5), [NEW, OWN])
    assert priors.scores == {"new": pytest.approx(0.4), "own": 0.9}
    assert priors.fallback is not None
    assert priors.forecast.uncertainty is None
    assert priors.forecast.is_uncertain(1.0)
    assert not priors.forecast.team_ids


def test_a_pool_of_unknown_models_with_prior_scores_is_uncertain_without_a_fallback() -> None:
    priors = scored_priors(response(elsewhere=0.3), [OWN])
    assert priors.scores == {"own": 0.9}
    assert priors.fallback is None
    assert priors.forecast.uncertainty is None
    assert priors.forecast.is_uncertain(1.0)


def test_a_scorer_without_a_single_score_leaves_the_prior_of_the_unknown() -> None:
    assert scored_priors(response(), [NEW]).scores == {"new": UNKNOWN_PRIOR}


def test_a_scorer_that_is_down_leaves_the_pool_files_scores() -> None:
    priors = pool_priors([NEW, OWN], FallbackReason.UNAVAILABLE)
    assert priors.scores == {"new": UNKNOWN_PRIOR, "own": 0.9}
    assert priors.fallback is not None
    assert priors.fallback.substitute is Substitute.POOL_PRIORS
    assert priors.forecast.uncertainty is None
    assert priors.forecast.is_uncertain(1.0)
