"""Prior scores: the scorer's, the pool file's, else estimates on the scale of the known ones. Pure.

A model may be known to the scorer under another spelling, or only in other releases. Each estimate says
what it rests on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING

from services.router.model_priors.estimate import EASINESS_SHARE, Estimate, estimate_priors
from services.router.model_priors.facts import ModelFacts
from services.router.routing.events import Dependency, Fallback, FallbackReason, Substitute
from services.router.routing.ranking import Forecast

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from routemoa.v1 import scorer_service_pb2
    from services.router.model_priors.matching import Match
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
    response: scorer_service_pb2.RankModelsResponse,
    models: Sequence[PoolModel],
    matches: Mapping[str, Match],
) -> Priors:
    """Returns a score for each model, with what the scorer says beside it.

    Args:
        response: The scorer's response.
        models: The pool's models.
        matches: The scorer's models that models of the pool are or are near to, by pool id.
    """
    scored = {score.model_id: score.score for score in response.model_scores}
    known = _Known.of(scored, models, matches)
    foreign = not (known.scorer_ids or known.given)
    guesses = known.near | estimate_priors(
        {m.id: m.facts for m in models if not known.knows(m.id)},
        known.anchors(scored, models),
        EASINESS_SHARE if foreign else 1.0,
    )
    scores = known.same | known.given
    # If no model is known, team and uncertainty are those of other models.
    is_known = bool(known.same or known.near)
    uncertainty = response.uncertainty if is_known and response.HasField("uncertainty") else None
    return Priors(
        scores=scores | {model_id: guess.score for model_id, guess in guesses.items()},
        forecast=Forecast(
            completion_tokens=_completion_tokens(response, known),
            team_ids=known.team(response.team_model_ids),
            uncertainty=_widened(uncertainty, scores.values(), guesses.values()),
            is_substitute=not is_known,
            score_sources=known.sources | _guess_sources(guesses),
            scorer_version=response.scorer_version,
        ),
        fallback=UNKNOWN_MODELS if guesses else None,
        guessed_ids=tuple(sorted(guesses)),
    )


@dataclass(slots=True, kw_only=True)
class _Known:
    """The models of the pool that have a score or are near to one that has."""

    same: dict[str, float] = field(default_factory=dict)
    """The scorer's scores."""
    near: dict[str, Estimate] = field(default_factory=dict)
    """Estimates from other releases of the same model."""
    given: dict[str, float] = field(default_factory=dict)
    """The pool file's scores of the others."""
    scorer_ids: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The scorer's models by pool id."""
    sources: dict[str, str] = field(default_factory=dict)
    """The source of the scorer's scores of models that it knows by another name."""

    @classmethod
    def of(
        cls,
        scored: Mapping[str, float],
        models: Sequence[PoolModel],
        matches: Mapping[str, Match],
    ) -> _Known:
        """Returns what is known of a pool."""
        known = cls()
        for model in models:
            match = matches.get(model.id)
            ids = () if match is None else tuple(i for i in match.scorer_ids if i in scored)
            if match is not None and match.is_same and ids:
                known.same[model.id] = scored[ids[0]]
                known.scorer_ids[model.id] = ids
                if ids[0] != model.id:
                    quantized = ", without its quantization" if match.is_quantized else ""
                    known.sources[model.id] = f"scored as {ids[0]}{quantized}"
            elif model.prior_score is not None:
                known.given[model.id] = model.prior_score
            elif ids:
                known.near[model.id] = _of_releases(ids, [scored[i] for i in ids])
                known.scorer_ids[model.id] = ids
        return known

    def knows(self, model_id: str) -> bool:
        """Returns whether a model needs no estimate by its name."""
        return model_id in self.same or model_id in self.near or model_id in self.given

    def anchors(
        self, scored: Mapping[str, float], models: Sequence[PoolModel]
    ) -> list[tuple[ModelFacts, float]]:
        """Returns the models whose scores give the scale: the pool's, else all of the scorer's."""
        ids = {i for ids in self.scorer_ids.values() for i in ids}
        if not ids and self.given:
            return [(m.facts, self.given[m.id]) for m in models if m.id in self.given]
        return [(ModelFacts((i,)), scored[i]) for i in ids or scored]

    def team(self, scorer_ids: Sequence[str]) -> tuple[str, ...]:
        """Returns a team of the scorer's models as models of the pool."""
        first: dict[str, str] = {}
        for model_id in (*self.same, *self.near):
            for scorer_id in self.scorer_ids[model_id]:
                first.setdefault(scorer_id, model_id)
        return tuple(dict.fromkeys(first[i] for i in scorer_ids if i in first))


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


def _completion_tokens(
    response: scorer_service_pb2.RankModelsResponse, known: _Known
) -> dict[str, int]:
    counts = {
        score.model_id: score.expected_completion_token_count
        for score in response.model_scores
        if score.HasField("expected_completion_token_count")
    }
    return {
        model_id: round(fmean(counts[i] for i in ids))
        for model_id, ids in known.scorer_ids.items()
        if all(i in counts for i in ids)
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
