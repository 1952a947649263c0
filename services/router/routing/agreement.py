"""What agreement says of answers, and whether one more model is worth asking. Pure.

Models that were asked independently and came to the same final answer make it likelier to be right;
models that came to different ones make each less likely, and the query harder for whoever is asked
next. With l(p) the log odds of a score p, and p1 >= p2 >= ... the scores of those who gave answer a:

    strength(a)  = l(p1) + INDEPENDENCE * (max(0, l(p2)) + max(0, l(p3)) + ...)
    posterior(a) = exp(strength(a)) / (1 + sum over answers b of exp(strength(b)))

The 1 stands for "all are wrong", so that one answer alone keeps its score as posterior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from services.answer_key import answer_key

if TYPE_CHECKING:
    from collections.abc import Sequence

INDEPENDENCE = 0.35
"""How much a further model that agrees counts, against one whose errors were its own. From training
queries of routerbench11; 0.25 to 0.5 do about as well."""

CARRY = 0.5
"""Share of what others' answers did to the log odds of the leading one that models not yet asked are
expected to share: a query on which two disagree is harder for the third, too. From the same queries."""

_LEAST, _MOST = 0.02, 0.98
"""Scores beyond are taken as these: no model is certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One model's answer, given without sight of the others'."""

    model_id: str
    score: float
    """Chance that its answer is right, by prior and self-score, in [0, 1]."""
    final_answer: str | None
    """What it came to, in a form that can be compared; None agrees with nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model that could be asked."""

    model_id: str
    score: float
    """Prior score, in [0, 1]."""
    price: float
    """Cost and latency of the call on the scale of scores: what ranking takes off."""


def agreeing(answers: Sequence[str]) -> tuple[int, ...]:
    """Returns which answers come to what the first does: in a final answer, or word for word."""
    keys = [answer_key(text) for text in answers]
    words = [text.casefold().split() for text in answers]
    return tuple(
        number
        for number, key in enumerate(keys)
        if words[number] == words[0] or (key is not None and key == keys[0])
    )


def posteriors(opinions: Sequence[Opinion]) -> dict[str, float]:
    """Returns, by model, the chance that the answer it gave is right."""
    groups = _groups(opinions)
    return {
        opinion.model_id: posterior
        for group, posterior in zip(groups, _posteriors(_odds_of(groups)), strict=True)
        for opinion in group
    }


def has_settled_majority(opinions: Sequence[Opinion], pending: Sequence[float]) -> bool:
    """Says whether a majority has come to an answer that those still at work could not overturn.

    Args:
        opinions: What was answered so far.
        pending: The prior scores of the models that have not answered yet.
    """
    groups = [group for group in _groups(opinions) if len(group) > 1]
    lead = max(groups, key=len, default=[])
    if 2 * len(lead) <= len(opinions) + len(pending):
        return False
    late = [_log_odds(score) for score in pending]
    rivals = [_odds(group) + late for group in _groups(opinions) if group != lead] + [late]
    strength = _strength(_odds(lead))
    return all(strength >= _strength(rival) for rival in rivals if rival)


def worthwhile_call(opinions: Sequence[Opinion], offers: Sequence[Offer]) -> Offer | None:
    """Returns the model to ask next; None if the leading answer is worth more than any call.

    A call is worth the better of what the model itself would answer, and of what is left to do after
    its answer has confirmed or contradicted the leading one, less its price. The chances of the two
    are those under which the posterior is, on average, what it is now.

    Args:
        opinions: What was answered so far.
        offers: Who may still be asked. Of equals the first is taken.
    """
    if not opinions:
        return max(offers, key=lambda offer: offer.score - offer.price, default=None)
    groups = _odds_of(_groups(opinions))
    comparable = any(opinion.final_answer is not None for opinion in opinions)
    best, best_value = None, max(_posteriors(groups))
    for offer, as_answer in zip(offers, _as_answers(groups, offers), strict=True):
        others = [other for other in offers if other is not offer]
        as_witness = _as_witness(groups, offer, others) if comparable else as_answer
        value = max(as_answer, as_witness)
        if value > best_value:
            best, best_value = offer, value
    return best


def _as_answers(groups: list[list[float]], offers: Sequence[Offer]) -> list[float]:
    """Returns the worth of each call whose answer would be taken."""
    chances = _posteriors(groups)
    lead = chances.index(max(chances))
    shift = CARRY * (_log_odds(chances[lead]) - max(groups[lead]))
    return [_chance(_log_odds(offer.score) + shift) - offer.price for offer in offers]


def _as_witness(groups: list[list[float]], offer: Offer, others: Sequence[Offer]) -> float:
    """Returns the worth of a call for what it says of the leading answer."""
    chances = _posteriors(groups)
    lead = chances.index(max(chances))
    odds = _log_odds(offer.score)
    confirmed = [[*group, odds] if i == lead else group for i, group in enumerate(groups)]
    contradicted = [*groups, [odds]]
    if_confirmed, if_not = _posteriors(confirmed)[lead], _posteriors(contradicted)[lead]
    spread = if_confirmed - if_not
    chance = min(1.0, max(0.0, (chances[lead] - if_not) / spread)) if spread > 0 else 0.0
    return (
        chance * _worth(confirmed, others)
        + (1 - chance) * _worth(contradicted, others)
        - offer.price
    )


def _worth(groups: list[list[float]], offers: Sequence[Offer]) -> float:
    """Returns the worth of stopping here, or of one last call."""
    return max(_posteriors(groups) + _as_answers(groups, offers))


def _groups(opinions: Sequence[Opinion]) -> list[list[Opinion]]:
    """Returns the opinions by final answer."""
    silent = [[opinion] for opinion in opinions if opinion.final_answer is None]
    spoken = sorted(
        (opinion for opinion in opinions if opinion.final_answer is not None),
        key=lambda opinion: opinion.final_answer or "",
    )
    return silent + [list(group) for _, group in groupby(spoken, lambda o: o.final_answer)]


def _odds_of(groups: list[list[Opinion]]) -> list[list[float]]:
    return [_odds(group) for group in groups]


def _odds(group: list[Opinion]) -> list[float]:
    return [_log_odds(opinion.score) for opinion in group]


def _posteriors(groups: list[list[float]]) -> list[float]:
    weights = [math.exp(_strength(group)) for group in groups]
    total = 1 + sum(weights)
    return [weight / total for weight in weights]


def _strength(odds: list[float]) -> float:
    first, *rest = sorted(odds, reverse=True)
    return first + INDEPENDENCE * sum(max(0.0, each) for each in rest)


def _log_odds(score: float) -> float:
    score = min(max(score, _LEAST), _MOST)
    return math.log(score / (1 - score))


def _chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
