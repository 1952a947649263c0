"""Scores of models before they run, where the scorer does not know them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routemoa.v1.model_pb2 import ModelScore
from routemoa.v1.scorer_service_pb2 import RankModelsResponse
from services.router.dependencies.priors import KnownModels, pool_priors, scored_priors
from services.router.model_priors.matching import ScorerModels
from services.router.routing.events import Dependency, FallbackReason, Substitute
from tests.unit.router.pool_models import model

if TYPE_CHECKING:
    from services.router.dependencies.priors import Priors
    from services.router.pool.model import PoolModel

LLAMA, GPT, CLAUDE = "Meta-Llama-3.1-8B-Instruct", "gpt-4o-2024-08-06", "claude-3-haiku-20240307"


def named(model_id: str, prior_score: float | None = None, **fields: object) -> PoolModel:
    changes = {"id": model_id, "prior_score": prior_score, **fields}
    return model(8192).model_copy(update=changes)


def priors_of(models: list[PoolModel], uncertainty: float = 0.2, /, **scores: float) -> Priors:
    response = RankModelsResponse(
        model_scores=[
            ModelScore(model_id=m, score=s, expected_completion_token_count=100)
            for m, s in scores.items()
        ],
        team_model_ids=scores,
        uncertainty=uncertainty,
        scorer_version="v1",
    )
    return scored_priors(response, models, KnownModels.of(models, ScorerModels(scores)))


A, B, NEW, OWN = named("a"), named("b"), named("new"), named("own", 0.9)


def test_a_pool_that_the_scorer_knows_has_its_scores_and_no_fallback() -> None:
    priors = priors_of([A, B], a=0.8, b=0.4, elsewhere=0.1)
    assert priors.scores == {"a": 0.8, "b": 0.4}
    assert priors.fallback is None
    assert priors.forecast.uncertainty == 0.2
    assert priors.forecast.scorer_version == "v1"
    assert not priors.forecast.score_sources


def test_an_unknown_model_has_an_estimate_and_says_so() -> None:
    priors = priors_of([named(LLAMA), named("Qwen2.5-72B-Instruct")], **{LLAMA: 0.5})
    assert priors.scores[LLAMA] == 0.5
    assert 0.5 < priors.scores["Qwen2.5-72B-Instruct"] < 0.9
    assert priors.guessed_ids == ("Qwen2.5-72B-Instruct",)
    assert priors.fallback is not None
    assert priors.fallback.dependency is Dependency.SCORER
    assert priors.fallback.reason is FallbackReason.UNKNOWN_MODELS
    assert priors.fallback.substitute is Substitute.MEAN_PRIOR
    source = priors.forecast.score_sources["Qwen2.5-72B-Instruct"]
    assert source.startswith("guessed, ± 0.1")
    assert source.endswith("from 72B parameters, released 2024-09")


def test_a_guess_follows_the_known_models_from_query_to_query() -> None:
    pool = [named(LLAMA), named("Qwen2.5-7B-Instruct")]
    easy, hard = priors_of(pool, **{LLAMA: 0.95}), priors_of(pool, **{LLAMA: 0.1})
    assert easy.scores["Qwen2.5-7B-Instruct"] > 0.8
    assert hard.scores["Qwen2.5-7B-Instruct"] < 0.3


def test_a_guess_that_may_be_the_best_model_makes_the_ranking_uncertain() -> None:
    better = priors_of([named(LLAMA), named("gpt-5")], **{LLAMA: 0.5})
    worse = priors_of([named(LLAMA), named("gemma-3-270m-it")], **{LLAMA: 0.5})
    assert better.forecast.is_uncertain(0.8)
    assert worse.forecast.uncertainty is not None
    assert 0.2 <= worse.forecast.uncertainty < 0.5


def test_an_unknown_model_with_a_prior_score_has_that_and_no_fallback() -> None:
    priors = priors_of([A, OWN], a=0.8)
    assert priors.scores == {"a": 0.8, "own": 0.9}
    assert priors.fallback is None
    assert not priors.guessed_ids
    assert priors.forecast.uncertainty == 0.2


def test_a_prior_score_of_an_unknown_model_does_not_move_the_scale_of_the_query() -> None:
    pool = [named(LLAMA), named("Qwen2.5-7B-Instruct")]
    without = priors_of(pool, **{LLAMA: 0.3})
    beside = priors_of([*pool, OWN], **{LLAMA: 0.3})
    assert beside.scores["Qwen2.5-7B-Instruct"] == without.scores["Qwen2.5-7B-Instruct"]


def test_where_no_model_is_known_guesses_follow_the_artifact_and_nothing_is_certain() -> None:
    pool = [named("Qwen2.5-7B-Instruct"), named("Qwen2.5-72B-Instruct")]
    easy, hard = (
        priors_of(pool, **{LLAMA: 0.9, GPT: 0.95}),
        priors_of(pool, **{LLAMA: 0.1, GPT: 0.2}),
    )
    for priors in (easy, hard):
        assert priors.fallback is not None
        assert priors.forecast.uncertainty is None
        assert priors.forecast.is_uncertain(1.0)
        assert not priors.forecast.team_ids
        assert priors.scores["Qwen2.5-72B-Instruct"] > priors.scores["Qwen2.5-7B-Instruct"]
    assert min(easy.scores.values()) > max(hard.scores.values())


def test_where_only_the_pool_file_knows_models_guesses_are_on_its_scale() -> None:
    pool = [named("Qwen2.5-7B-Instruct", 0.9), named("Qwen2-7B-Instruct")]
    priors = priors_of(pool, **{GPT: 0.05})
    assert priors.scores["Qwen2.5-7B-Instruct"] == 0.9
    assert 0.6 < priors.scores["Qwen2-7B-Instruct"] < 0.9


def test_a_pool_of_unknown_models_with_prior_scores_is_uncertain_without_a_fallback() -> None:
    priors = priors_of([OWN], elsewhere=0.3)
    assert priors.scores == {"own": 0.9}
    assert priors.fallback is None
    assert priors.forecast.uncertainty is None
    assert priors.forecast.is_uncertain(1.0)


def test_a_scorer_without_a_single_score_leaves_a_usual_score() -> None:
    assert priors_of([NEW]).scores["new"] == pytest.approx(0.5, abs=0.2)


def test_a_model_under_another_spelling_has_the_scorers_score_and_no_fallback() -> None:
    pool = [
        named("fast", backend_model="meta-llama/llama-3.1-8b-instruct:free"),
        named("gpt", scorer_model=GPT),
    ]
    priors = priors_of(pool, **{LLAMA: 0.4, GPT: 0.7})
    assert priors.scores == {"fast": 0.4, "gpt": 0.7}
    assert priors.fallback is None
    assert priors.forecast.team_ids == ("fast", "gpt")
    assert priors.forecast.completion_tokens == {"fast": 100, "gpt": 100}
    assert priors.forecast.score_sources["fast"] == f"scored as {LLAMA}"


def test_quantized_weights_have_the_score_of_the_whole_ones_and_say_so() -> None:
    priors = priors_of([named("llama3.1:8b-instruct-q4_K_M")], **{LLAMA: 0.4})
    assert priors.scores == {"llama3.1:8b-instruct-q4_K_M": 0.4}
    source = priors.forecast.score_sources["llama3.1:8b-instruct-q4_K_M"]
    assert source == f"scored as {LLAMA}, without its quantization"


def test_two_models_that_are_one_for_the_scorer_have_its_score_and_one_place_in_the_team() -> None:
    priors = priors_of([named("llama-3.1-8b-instruct"), named("llama3.1:8b")], **{LLAMA: 0.4})
    assert set(priors.scores.values()) == {0.4}
    assert priors.forecast.team_ids == ("llama-3.1-8b-instruct",)


def test_another_release_is_guessed_from_the_one_that_is_known() -> None:
    priors = priors_of([named("gpt-4o-2024-11-20"), named(CLAUDE)], **{GPT: 0.7, CLAUDE: 0.3})
    assert priors.scores == {"gpt-4o-2024-11-20": 0.7, CLAUDE: 0.3}
    assert priors.guessed_ids == ("gpt-4o-2024-11-20",)
    assert priors.fallback is not None
    assert priors.forecast.team_ids == ("gpt-4o-2024-11-20", CLAUDE)
    assert priors.forecast.score_sources["gpt-4o-2024-11-20"] == (
        f"guessed, ± 0.05, from its release {GPT}"
    )


def test_a_prior_score_counts_more_than_another_release() -> None:
    priors = priors_of([named("gpt-4o-2024-11-20", 0.9)], **{GPT: 0.7})
    assert priors.scores == {"gpt-4o-2024-11-20": 0.9}
    assert priors.fallback is None


def test_a_name_for_the_scorer_that_it_does_not_know_is_no_match_by_other_names() -> None:
    priors = priors_of([named(GPT, scorer_model="something-else")], **{GPT: 0.7})
    assert priors.guessed_ids == (GPT,)


def test_a_scorer_that_is_down_leaves_the_pool_files_scores_and_estimates() -> None:
    pool = [named("Qwen2.5-72B-Instruct"), named("Qwen2.5-7B-Instruct"), OWN]
    priors = pool_priors(pool, FallbackReason.UNAVAILABLE)
    assert priors.scores["own"] == 0.9
    assert priors.scores["Qwen2.5-72B-Instruct"] > priors.scores["Qwen2.5-7B-Instruct"]
    assert priors.forecast.score_sources.keys() == {"Qwen2.5-72B-Instruct", "Qwen2.5-7B-Instruct"}
    assert priors.fallback is not None
    assert priors.fallback.substitute is Substitute.POOL_PRIORS
    assert priors.forecast.uncertainty is None
    assert priors.forecast.is_uncertain(1.0)
