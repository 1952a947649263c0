"""Prior scores: the scorer's, the pool file's, else estimates on the scale of the known ones. Pure.

A model may be known to the scorer under another spelling, or only in other releases. Each estimate says
what it rests on.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING

from services.router.model_priors.estimate import EASINESS_SHARE, Estimate, estimate_priors
from services.router.model_priors.facts import ModelFacts
from services.router.model_priors.matching import ScorerModels
from services.router.routing.events import Dependency, Fallback, FallbackReason, Substitute
from services.router.routing.ranking import Forecast

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from routemoa.v1 import scorer_service_pb2
    from services.router.pool.model import PoolModel

UNKNOWN_MODELS = Fallback(
    dependency=Dependency.SCORER,
    reason=FallbackReason.UNKNOWN_MODELS,
    substitute=Substitute.MEAN_PRIOR,
)
"""The fallback for models that the scorer does not know and that have no `prior_score`."""
_RELEASE_DEVIATION = 0.25
"""Standard deviation, in logits, of a model's ability about that of other releases of it."""
_LEAST_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Priors:
    """Scores by model id, and the forecast that came with them."""

    scores: Mapping[str, float]
    forecast: Forecast
    fallback: Fallback | None = None
    guessed_ids: tuple[str, ...] = ()
    """Models whose score is estimated, as neither the scorer nor the pool file gives them one."""


def pool_priors(models: Sequence[PoolModel], reason: FallbackReason) -> Priors:
    """Returns the pool file's scores and estimates, for a scorer that failed for a reason."""
    given = given_scores(models)
    guesses = estimate_priors(
        {m.id: m.facts for m in models if m.id not in given},
        [(m.facts, given[m.id]) for m in models if m.id in given],
    )
    return Priors(
        scores=given | {model_id: guess.score for model_id, guess in guesses.items()},
        forecast=Forecast(is_substitute=True, score_sources=_guess_sources(guesses)),
        fallback=Fallback(
            dependency=Dependency.SCORER, reason=reason, substitute=Substitute.POOL_PRIORS
        ),
    )


def given_scores(models: Sequence[PoolModel]) -> dict[str, float]:
    """Returns the scores that the pool file gives, by model."""
    return {m.id: m.prior_score for m in models if m.prior_score is not None}


def scored_priors(
    response: scorer_service_pb2.RankModelsResponse, models: Sequence[PoolModel], known: KnownModels
) -> Priors:
    """Returns a score for each model, with what the scorer says beside it.

    Args:
        response: The scorer's response.
        models: The pool's models.
        known: Which of them the scorer knows, and how.
    """
    scored, lengths = _read(response)
    if not known.by_scorer_id.keys() <= scored.keys():  # the scorer has just changed its artifact
        known = KnownModels.of(models, ScorerModels(scored))
    scores = {model_id: scored[known_id] for model_id, known_id in known.same.items()}
    guesses = {
        model_id: _of_releases(ids, [scored[i] for i in ids])
        for model_id, ids in known.near.items()
    }
    if known.unknown:
        share = 1.0 if known.scorer_ids or known.given else EASINESS_SHARE
        anchors = known.anchors(scored, models)
        guesses |= estimate_priors(known.unknown, anchors, share)
    scores |= known.given
    everything = scores | {i: guess.score for i, guess in guesses.items()} if guesses else scores
    # If no model is known, team and uncertainty are those of other models.
    is_known = bool(known.same or known.near)
    uncertainty = response.uncertainty if is_known and response.HasField("uncertainty") else None
    sources = known.sources | _guess_sources(guesses) if guesses else known.sources
    return Priors(
        scores=everything,
        forecast=Forecast(
            completion_tokens=known.completion_tokens(lengths),
            team_ids=known.team(response.team_model_ids),
            uncertainty=_widened(uncertainty, scores.values(), guesses.values()),
            is_substitute=not is_known,
            score_sources=sources,
            scorer_version=response.scorer_version,
        ),
        fallback=UNKNOWN_MODELS if guesses else None,
        guessed_ids=tuple(sorted(guesses)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModels:
    """The models of a pool that a scorer knows, or that are near to one that it knows."""

    same: Mapping[str, str]
    """The scorer's id of each model that it knows, by pool id."""
    near: Mapping[str, tuple[str, ...]]
    """The scorer's ids of other releases of a model, by pool id."""
    given: Mapping[str, float]
    """The pool file's scores of the others."""
    unknown: Mapping[str, ModelFacts]
    """The facts of those that have no score at all."""
    scorer_ids: Mapping[str, tuple[str, ...]]
    """The scorer's models by pool id."""
    sources: dict[str, str]
    """The source of the scorer's scores of models that it knows by another name."""
    by_scorer_id: dict[str, str]
    """The first model of the pool that each of the scorer's models is, or is near to."""

    @classmethod
    def of(cls, models: Sequence[PoolModel], scorer_models: ScorerModels) -> KnownModels:
        """Returns which models of a pool a scorer knows."""
        same: dict[str, str] = {}
        near: dict[str, tuple[str, ...]] = {}
        given: dict[str, float] = {}
        unknown: dict[str, ModelFacts] = {}
        sources: dict[str, str] = {}
        for model in models:
            match = scorer_models.find(model.scorer_names)
            if match is not None and match.is_same:
                (known_id,) = match.scorer_ids
                same[model.id] = known_id
                if known_id != model.id:
                    quantized = ", without its quantization" if match.is_quantized else ""
                    sources[model.id] = f"scored as {known_id}{quantized}"
            elif model.prior_score is not None:
                given[model.id] = model.prior_score
            elif match is not None:
                near[model.id] = match.scorer_ids
            else:
                unknown[model.id] = model.facts
        scorer_ids = {model_id: (known_id,) for model_id, known_id in same.items()} | near
        by_scorer_id: dict[str, str] = {}
        for model_id, ids in scorer_ids.items():
            for known_id in ids:
                by_scorer_id.setdefault(known_id, model_id)
        return cls(
            same=same,
            near=near,
            given=given,
            unknown=unknown,
            scorer_ids=scorer_ids,
            sources=sources,
            by_scorer_id=by_scorer_id,
        )

    def anchors(
        self, scored: Mapping[str, float], models: Sequence[PoolModel]
    ) -> list[tuple[ModelFacts, float]]:
        """Returns the models whose scores give the scale: the pool's, else all of the scorer's."""
        if not self.scorer_ids and self.given:
            return [(m.facts, self.given[m.id]) for m in models if m.id in self.given]
        return [(ModelFacts((i,)), scored[i]) for i in self.by_scorer_id or scored]

    def team(self, scorer_ids: Sequence[str]) -> tuple[str, ...]:
        """Returns a team of the scorer's models as models of the pool."""
        first = self.by_scorer_id
        return tuple(dict.fromkeys(first[i] for i in scorer_ids if i in first))

    def completion_tokens(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Returns the expected tokens of each model's reply, where all counts for it are known."""
        if not counts:
            return {}
        return {
            model_id: round(fmean(counts[i] for i in ids))
            for model_id, ids in self.scorer_ids.items()
            if all(i in counts for i in ids)
        }


def _read(
    response: scorer_service_pb2.RankModelsResponse,
) -> tuple[dict[str, float], dict[str, int]]:
    """Returns the scores, and the expected tokens of replies where the artifact predicts some."""
    scores, lengths = {}, {}
    for item in response.model_scores:
        model_id = item.model_id
        scores[model_id] = item.score
        if tokens := item.expected_completion_token_count:
            lengths[model_id] = tokens
    return scores, lengths


def _of_releases(scorer_ids: Sequence[str], scores: Sequence[float]) -> Estimate:
    score = fmean(scores)
    return Estimate(
        score=score,
        deviation=_RELEASE_DEVIATION * score * (1 - score),
        source=f"its release {' and '.join(scorer_ids)}",
    )


def _guess_sources(guesses: Mapping[str, Estimate]) -> dict[str, str]:
    return {
        model_id: f"guessed, ± {guess.deviation:.2f}, from {guess.source}"
        for model_id, guess in guesses.items()
    }


def _widened(
    uncertainty: float | None, scores: Collection[float], guesses: Collection[Estimate]
) -> float | None:
    """Returns the uncertainty of a ranking that is wrong, too, if a guess is the best model."""
    if uncertainty is None or not scores or not guesses:
        return uncertainty
    best = max(scores)
    chance = max(
        1 - NormalDist(guess.score, max(guess.deviation, _LEAST_DEVIATION)).cdf(best)
        for guess in guesses
    )
    return uncertainty + (1 - uncertainty) * chance
